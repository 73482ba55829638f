#!/bin/sh
# Synthesis of all environments, and what of it a bridge to Node takes before anything is made: an app without stacks, in Go and in TypeScript.
#
#   test/bench/synth.sh [ROUNDS]
#
# Builds all once and runs what is compared by turns, without the CDK's command line. Needs Go and
# Node. ROUNDS is 9 by default; with validation on there is a third of them.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go run ./cmd/build-functions >/dev/null
go build -o "$work/" ./infra ./test/bench/empty
(
  cd test/bench/typescript
  [ -d node_modules ] || npm ci --no-audit --no-fund --loglevel=error
  npm run --silent build
)
node test/bench/synth.js "$work" "${1:-9}"
