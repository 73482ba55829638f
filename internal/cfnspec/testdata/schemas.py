"""Prints which properties of each resource type cannot be changed, by the schemas that cfn-lint brings, as JSON."""

import json
import os

import cfnlint
from cfnlint.data.schemas.providers import us_east_1

folder = os.path.join(os.path.dirname(cfnlint.__file__), "data", "schemas", "resources")
out = {}
for name, file in us_east_1.types.items():
    with open(os.path.join(folder, file + ".json"), encoding="utf-8") as f:
        schema = json.load(f)
    marked = [p + "!" for p in schema.get("createOnlyProperties", [])]
    marked += [p + "?" for p in schema.get("conditionalCreateOnlyProperties", [])]
    out[name] = sorted(p.replace("/properties/", ".").replace("/items", "").replace("/", ".").lstrip(".") for p in marked)
print(json.dumps({"version": cfnlint.__version__ if hasattr(cfnlint, "__version__") else "", "types": out}))
