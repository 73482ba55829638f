#!/usr/bin/env bash
# Walks the HTTP contract of docs/architecture.md with nothing but curl, against a stack that is up:
#
#	go run ./cmd/orderflow up          # in another terminal
#	test/contract.sh [http://127.0.0.1:8080]
#
# It prints a line for each row of the contract and ends with 1 if one is missed. To see what is quick otherwise
# it slows functions down and breaks services, by the switches of the console, and sets them back in the end.
set -u

base=${1:-http://127.0.0.1:8080}
base=${base%/}
work=$(mktemp -d)
missed=0
rows=0

cleanup() {
	faults
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# faults sets all faults that there are: JSON objects, separated by commas.
faults() {
	curl -sS -o "$work/faults" -H 'X-Console: 1' -d "{\"faults\":[${1-}]}" "$base/console/api/faults"
}

# token prints an ID token of a tenant.
token() { curl -sS -X POST "$base/-/token?tenant=$1"; }

# call sends a request as $auth: call METHOD PATH [curl's arguments]. It sets $status, $head (the header fields) and $body.
call() {
	local method=$1 path=$2
	shift 2
	status=$(curl -sS -X "$method" -D "$work/head" -o "$work/body" -w '%{http_code}' \
		${auth:+-H "Authorization: $auth"} "$@" "$base$path")
	read_answer
}

read_answer() {
	head=$(tr -d '\r' <"$work/head")
	body=$(cat "$work/body" 2>/dev/null)
	: >"$work/body"
}

# submit sends an order: submit BODY [curl's arguments].
submit() {
	local text=$1
	shift
	printf %s "$text" >"$work/request"
	call POST /orders -H 'Content-Type: application/json' --data-binary "@$work/request" "$@"
	id=$(member orderId)
}

# field prints a header field of the last answer, member the first string or number of this name in its body.
field() { printf '%s\n' "$head" | sed -n "s/^$1: //Ip" | tail -1; }
member() { printf '%s' "$body" | grep -Eo "\"$1\":\"?[^\",}]*" | sed -n '1s/^"[^"]*":"\{0,1\}//p'; }

# The checks: each adds what is wrong to $wrong.
is_status() { [ "$status" = "$1" ] || wrong="$wrong; status $status, want $1"; }
has_field() { field "$1" | grep -Eq "$2" || wrong="$wrong; $1 is \"$(field "$1")\", want $2"; }
no_field() { [ -z "$(field "$1")" ] || wrong="$wrong; there is $1: $(field "$1")"; }
says() { printf '%s' "$body" | grep -Fq -- "$1" || wrong="$wrong; the body has no $1: $body"; }
problem() { # STATUS CODE
	is_status "$1"
	has_field Content-Type '^application/problem\+json'
	says "\"status\":$1"
	says "\"code\":\"$2\""
	says '"title":"'
	says '"requestId":"'
}

# row ends a row of the contract: it tells what was checked since the last one.
wrong=
row() {
	rows=$((rows + 1))
	if [ -z "$wrong" ]; then
		printf 'ok    %s\n' "$1"
	else
		missed=$((missed + 1))
		printf 'MISS  %s: %s\n' "$1" "${wrong#; }"
	fi
	wrong=
}

# until_status polls an order, for 20 seconds at most, until it has a status.
until_status() {
	local i
	for i in $(seq 100); do
		call GET "/orders/$1/status"
		[ "$(member status)" = "$2" ] && return
		sleep 0.2
	done
	wrong="$wrong; the order is not $2 after 20 s: $body"
}

order() {
	printf '{"currency":"EUR","items":[{"sku":"NB-A5","quantity":%s,"unitPrice":650}],"payment":{"method":"card","token":"tok_visa"},' "$1"
	printf '"shipTo":{"name":"Ada Lovelace","line1":"12 St James Square","city":"London","postalCode":"SW1Y 4JH","country":"GB"}}'
}

slow() { printf '{"target":"%s","kind":"slow","seconds":%s}' "$1" "$2"; }

auth=
if ! call GET /console/api/faults || [ "$status" != 200 ]; then
	echo "contract.sh: nothing answers at $base as orderflow up does; start it: go run ./cmd/orderflow up" >&2
	exit 1
fi
faults
acme=$(token acme)
globex=$(token globex)
key=contract-$$-$(date +%s)

# --- Accepted

auth=$acme
faults "$(slow intake 3)"
submit "$(order 1)"
accepted=$id location=$(field Location)
is_status 202
has_field Location "/orders/$id/status$"
has_field Retry-After '^[0-9]+$'
says '"status":"QUEUED"'
says '"messageId":"'
says "\"links\":{\"status\":\"$location\",\"result\":\"${location%/status}\"}"
row 'POST /orders: 202 with Location, Retry-After, orderId, messageId and links'

call GET "$location"
is_status 200
says '"status":"QUEUED"'
has_field Retry-After '^[0-9]+$'
row 'GET status of an order that nobody has looked at yet, where Location leads: 200 QUEUED, never 404'
faults

# --- Refused

submit '{"currency":"EUR","payment":{"method":"card","token":"tok_visa"},"shipTo":{}}'
problem 400 invalid-body
says items
row 'POST without a member that is required: 400 problem+json that names it'

submit "$(order '"two"')"
problem 400 invalid-body
says integer
row 'POST with a member of the wrong type: 400 problem+json that names the type, which is all that API Gateway tells'

submit "{\"colour\":\"red\",$(order 1 | cut -c2-)"
problem 400 invalid-body
says colour
row 'POST with a member that is not allowed: 400 problem+json that names it'

submit '{"currency":'
problem 400 invalid-body
row 'POST of what is no JSON: 400 problem+json'

call POST /orders -H 'Content-Type: text/plain' -d hello
problem 415 unsupported-media-type
row 'POST of another type: 415 problem+json'

{ head -c 300000 /dev/zero | tr '\0' ' '; order 1; } >"$work/large"
call POST /orders -H 'Content-Type: application/json' --data-binary "@$work/large"
problem 413 too-large
row 'POST of more than a message may have: 413 problem+json'

head -c 11000000 /dev/zero | tr '\0' ' ' >"$work/large"
call POST /orders -H 'Content-Type: application/json' --data-binary "@$work/large"
is_status 413
says '"message":"'
row "POST of more than 10 MB: 413, API Gateway's own answer, which cannot be changed"

submit "$(order 1)" -H 'Idempotency-Key: two words'
problem 400 invalid-idempotency-key
row 'POST with a malformed Idempotency-Key: 400 problem+json'

# --- The same again

submit "$(order 1)" -H "Idempotency-Key: $key"
is_status 202
first=$id
submit "$(order 1)" -H "Idempotency-Key: $key"
is_status 202
[ "$id" = "$first" ] || wrong="$wrong; orderId $id, at first it was $first"
until_status "$first" COMPLETED
call GET "/orders/$first"
charge=$(member chargeId)
[ "$(printf '%s' "$body" | grep -o '"status":"PAID"' | wc -l)" -eq 1 ] || wrong="$wrong; it was not charged once: $body"
row 'POST twice with the same Idempotency-Key: the same orderId, one order, one charge'

submit "$(order 2)" -H "Idempotency-Key: $key"
is_status 202
[ "$id" = "$first" ] || wrong="$wrong; orderId $id, at first it was $first"
for _ in $(seq 50); do
	call GET "/orders/$first/status"
	[ -n "$(member conflicts)" ] && break
	sleep 0.2
done
says '"conflicts":1'
call GET "/orders/$first"
says '"quantity":1'
says "\"chargeId\":\"$charge\""
row 'POST of something else with the same Idempotency-Key: the first wins, and the status counts the conflict'

auth=$globex
submit "$(order 1)" -H "Idempotency-Key: $key"
is_status 202
[ "$id" != "$first" ] || wrong="$wrong; another tenant has the same order"
row "POST with another tenant's Idempotency-Key: an order of its own"
auth=$acme

# --- In progress

faults "$(slow charge 3)"
submit "$(order 3)"
until_status "$id" RESERVED
is_status 200
for name in orderId sequence acceptedAt updatedAt; do says "\"$name\":"; done
has_field Retry-After '^[0-9]+$'
has_field ETag '^"'
row 'GET status in progress: 200 with the status, sequence and times, Retry-After and ETag'

call GET "/orders/$id/status" -H "If-None-Match: $(field ETag)"
is_status 304
[ -z "$body" ] || wrong="$wrong; it has a body: $body"
row 'GET status with If-None-Match, unchanged: 304 without a body'

call GET "/orders/$id"
is_status 200
says '"status":"RESERVED"'
says '"history":[{"sequence":1,'
says '"quantity":3'
row 'GET result before the end: 200 with what is known'

call DELETE "/orders/$id/status"
is_status 202
says '"cancelRequested":true'
until_status "$id" CANCELLED
call GET "/orders/$id"
says '"status":"CANCELLED"'
faults
row 'DELETE status: 202; the workflow stops at its next checkpoint, and compensates'

# --- Finished

until_status "$accepted" COMPLETED
is_status 200
says "\"result\":\"${location%/status}\""
no_field Retry-After
tag=$(field ETag)
row 'GET status finished: 200 with the terminal status and a link to the result, no Retry-After'

call GET "/orders/$accepted/status?redirect=true"
is_status 303
has_field Location "^${location%/status}$"
row 'GET status finished, with ?redirect=true: 303 to the result'

call GET "${location%/status}"
is_status 200
for name in history results order chargeId trackingNumber; do says "\"$name\":"; done
says '"order":{"currency":"EUR","items":[{"sku":"NB-A5","quantity":1,"unitPrice":650}]'
row 'GET result: 200 with the whole order as it was sent, its history and results'

call DELETE "/orders/$accepted/status"
problem 409 finished
says '"orderStatus":"COMPLETED"'
call GET "/orders/$accepted/status"
[ "$(field ETag)" = "$tag" ] || wrong="$wrong; the order has changed: $body"
row 'DELETE status of a finished order: 409 problem+json, and nothing has changed'

# --- Whose

# An answer without what differs between any two requests.
anonymous() { printf '%s' "$body" | sed 's/"requestId":"[^"]*"//'; }

auth=$globex
for what in GET:/status GET: DELETE:/status; do
	auth=$globex
	call "${what%%:*}" "/orders/$accepted${what#*:}"
	problem 404 unknown-order
	theirs=$(anonymous)
	call "${what%%:*}" "/orders/1000000000000-AAAAAAAAAAA-YWNtZQ${what#*:}"
	[ "$(anonymous)" = "$theirs" ] || wrong="$wrong; an unknown order is told apart: $body"
done
row "GET and DELETE of somebody else's order: 404 problem+json, as of an unknown one"
auth=$acme
call GET /orders/1000000000000-AAAAAAAAAAA-YWNtZQ/status
problem 404 unknown-order
row 'GET status of an unknown order: 404 problem+json'

call GET /nothing
problem 404 no-route
row 'GET of what is not there: 404 problem+json'

auth=
submit "$(order 1)"
problem 401 unauthorized
auth=none.of.ours
submit "$(order 1)"
problem 401 unauthorized
row 'POST without credentials, or with bad ones: 401 problem+json'

auth=$(token "$(head -c 97 /dev/zero | tr '\0' x)")
submit "$(order 1)"
problem 403 no-tenant
row 'POST with credentials of no tenant that may order: 403 problem+json'
auth=$acme

# --- Faults behind the gateway

faults '{"target":"dynamodb:*","kind":"throttle"}'
call GET "/orders/$accepted/status"
problem 503 throttled
has_field Retry-After '^[0-9]+$'
row 'GET status while the table throttles: 503 problem+json with Retry-After'

faults '{"target":"sqs:SendMessage","kind":"throttle"}'
submit "$(order 1)"
problem 503 not-queued
has_field Retry-After '^[0-9]+$'
row 'POST while the queue throttles: 503 problem+json with Retry-After, not 202'

faults '{"target":"sqs:SendMessage","kind":"fail","errorName":"AWS.SimpleQueueService.NonExistentQueue"}'
submit "$(order 1)"
case $status in 5??) problem "$status" "$(member code)" ;; *) is_status 5xx ;; esac
row 'POST while the queue is gone: 5xx problem+json, not 202'

faults '{"target":"sqs:SendMessage","kind":"crash-before"}'
submit "$(order 1)"
case $status in 5??) problem "$status" "$(member code)" ;; *) is_status 5xx ;; esac
has_field Retry-After '^[0-9]+$'
row 'POST while the queue does not answer: 5xx problem+json with Retry-After, not 202'
faults

# --- Too many: one connection, until the first answer that is no success

: >"$work/head"
status=$(curl -sS --fail-with-body --fail-early -D "$work/head" -o "$work/body" -w '%{http_code}\n' \
	-H "Authorization: $auth" "$base/orders/$accepted/status?n=[1-20000]" 2>"$work/messages" | tail -1)
read_answer
problem 429 throttled
has_field Retry-After '^[0-9]+$'
row 'More requests than are admitted: 429 problem+json with Retry-After'

if [ "$missed" -gt 0 ]; then
	echo "$missed of $rows rows of the contract are missed"
	exit 1
fi
echo "all $rows rows of the contract hold"
