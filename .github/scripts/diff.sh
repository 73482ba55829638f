#!/usr/bin/env bash
# diff.sh FOLDER: writes FOLDER/diff.md, what revision HEAD does to the stacks of revision BASE, and adds it to the job's summary.
# HEAD_REF is where HEAD is fetched from if it is not here. Nothing of HEAD is checked out or executed.
# ORDERFLOW is the command, by default the one of the working tree.
set -euo pipefail
folder=$1
: "${BASE:?}" "${HEAD:?}"
mkdir -p "$folder"
git cat-file -e "$HEAD^{commit}" 2>/dev/null || git fetch --quiet --no-tags origin "${HEAD_REF:?}"
# What came onto the base since is none of the change's.
base=$(git merge-base "$BASE" "$HEAD")
read -ra orderflow <<<"${ORDERFLOW:-go run ./cmd/orderflow}"
# A comment on GitHub has at most 65,536 characters.
"${orderflow[@]}" diff --limit 60000 "$base" "$HEAD" >"$folder/diff.md"
cat "$folder/diff.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
