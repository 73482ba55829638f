#!/usr/bin/env bash
# deploy.sh CDK_OUT: deploys stack orderflow-ENVIRONMENT from a folder that was synthesized before, and adds its outputs to the job's summary.
# CDK is the command, by default that of npm ci.
set -euo pipefail
assembly=$1
: "${ENVIRONMENT:?}"
stack=orderflow-$ENVIRONMENT
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
read -ra cdk <<<"${CDK:-npx cdk}"
"${cdk[@]}" deploy "$stack" --app "$assembly" --require-approval never --progress events --ci --outputs-file "$temp/outputs.json"
{
  printf '### %s\n\n```json\n' "$stack"
  cat "$temp/outputs.json"
  printf '\n```\n'
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
