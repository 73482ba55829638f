#!/usr/bin/env bash
# comment.sh FILE: posts the Markdown in FILE on pull request PULL_REQUEST of GITHUB_REPOSITORY, or writes it into the comment that it
# posted before, so that there is never more than one.
set -euo pipefail
file=$1
: "${GITHUB_TOKEN:?}" "${GITHUB_REPOSITORY:?}" "${PULL_REQUEST:?}" "${GITHUB_API_URL:=https://api.github.com}"
marker='<!-- orderflow diff -->'
api=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY

# The token goes in by a file descriptor: arguments can be read by every process of the machine.
call() {
  curl --silent --show-error --fail-with-body --retry 3 --max-time 60 \
    --header @<(printf 'Authorization: Bearer %s\n' "$GITHUB_TOKEN") \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' "$@"
}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
jq --null-input --arg marker "$marker" --rawfile text "$file" '{body: ($marker + "\n" + $text)}' >"$body"

known=
for ((page = 1; page <= 30; page++)); do
  comments=$(call "$api/issues/$PULL_REQUEST/comments?per_page=100&page=$page")
  # Only a bot's: anybody can write the marker.
  known=$(jq --raw-output --arg marker "$marker" \
    '[.[] | select(.user.type == "Bot" and (.body | startswith($marker)))] | first | .id // empty' <<<"$comments")
  if [ -n "$known" ] || [ "$(jq length <<<"$comments")" -lt 100 ]; then break; fi
done
if [ -n "$known" ]; then
  call --request PATCH --data @"$body" "$api/issues/comments/$known" >/dev/null
  echo "comment $known is up to date"
else
  call --request POST --data @"$body" "$api/issues/$PULL_REQUEST/comments" >/dev/null
  echo "a comment was posted"
fi
