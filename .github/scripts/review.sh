#!/usr/bin/env bash
# review.sh CDK_OUT: compares the template of stack orderflow-ENVIRONMENT with the one that is deployed, adds the report to the job's summary, and fails
# if the change loses data or opens what was closed, unless ACCEPT is true.
set -euo pipefail
assembly=$1
: "${ENVIRONMENT:?}"
stack=orderflow-$ENVIRONMENT
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
deployed=$temp/$stack.template.json
if ! aws cloudformation get-template --stack-name "$stack" --template-stage Original --query TemplateBody --output json >"$deployed" 2>"$temp/error"; then
  if grep -q 'does not exist' "$temp/error"; then
    echo "$stack is not deployed yet: there is nothing to compare"
    exit 0
  fi
  cat "$temp/error" >&2
  exit 1
fi
read -ra orderflow <<<"${ORDERFLOW:-go run ./cmd/orderflow}"
level=critical
if [ "${ACCEPT:-false}" = true ]; then level=none; fi
status=0
"${orderflow[@]}" diff --cost 0 --limit 60000 --fail-on "$level" "$deployed" "$assembly/$stack.template.json" >"$temp/diff.md" || status=$?
cat "$temp/diff.md"
cat "$temp/diff.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
if [ "$status" -ne 0 ]; then
  echo "::error::$stack is not deployed: run the workflow by hand with accept if this is what you want"
  exit "$status"
fi
