#!/usr/bin/env bash
# Asserts on a deployed stack what no document promises and no local run can show (docs/architecture.md, "What is
# unverified"). It needs a key of its own with the product `search`, and curl.
#
#   PRODUCTS_URL=https://….execute-api.….amazonaws.com/prod SECRET=ak_… infra/smoke/smoke.sh
#
# With MANAGEMENT_URL and somebody's access token in TOKEN it asks whether the token carries their address.
# It works against `make run` too, with LOCAL_QUOTE=404, which shows that the script itself is right.
set -euo pipefail
: "${PRODUCTS_URL:?}" "${SECRET:?}"
passed=0 failed=0
check() { # name, expected, actual
  if [[ "$3" == "$2" ]]; then passed=$((passed + 1)); echo "ok    $1"
  else failed=$((failed + 1)); echo "FAIL  $1: expected '$2', got '$3'"; fi
}
headers=$(mktemp) body=$(mktemp)
trap 'rm -f "$headers" "$body"' EXIT
call() { curl -sS --path-as-is -o "$body" -D "$headers" -w '%{http_code}' "$@"; }
header() { tr -d '\r' <"$headers" | awk -F': ' -v n="$1" 'tolower($1)==tolower(n){print $2; exit}'; }
code() { grep -o '"code":"[^"]*"' "$body" | head -n 1 | cut -d'"' -f4; }

path=/search/2/search/berlin.json
check 'a key opens the gate' 200 "$(call "$PRODUCTS_URL$path" -H "X-Api-Key: $SECRET")"
check 'no key is 401' 401 "$(call "$PRODUCTS_URL$path")"
check 'with the literal code' unauthorized "$(code)"
check 'and a challenge' 'ApiKey realm="products"' "$(header WWW-Authenticate)"
check 'and CORS' '*' "$(header Access-Control-Allow-Origin)"
check 'a mistyped key is 401' 401 "$(call "$PRODUCTS_URL$path" -H "X-Api-Key: ${SECRET%?}_")"
check 'two credentials are 401' 401 "$(call "$PRODUCTS_URL$path?key=$SECRET" -H "X-Api-Key: $SECRET")"
for hostile in /search/%2e%2e/map/x /search//x /search/a%2f..%2fb /search/a%5cb /search/%252e%252e/map/x; do
  check "$hostile is 403" 403 "$(call "$PRODUCTS_URL$hostile" -H "X-Api-Key: $SECRET")"
  check "$hostile says why" path_not_canonical "$(code)"
done
check 'an escaped slash may stand in a search' 200 "$(call "$PRODUCTS_URL/search/2/search/12%2F3%20King%20St.json" -H "X-Api-Key: $SECRET")"
check 'a header that imitates the gateway is 401' 401 "$(call "$PRODUCTS_URL$path" -H "X-Api-Key: $SECRET" -H 'X_Latchkey_Account_Id: acc_1')"
# Expected is that API Gateway refuses a raw quote with 400 or 403. The local gateway forwards it as it is, and the upstream
# says 404: LOCAL_QUOTE=404 takes that. The access log is JSON made of $context variables, of which nobody promises that they
# are escaped; none of them is a text of the caller's any more.
for quoted in '/search/smoke-quote"x' '/search/smoke-quote","code":"x' '/nothing/smoke-quote"x'; do
  status=$(call "$PRODUCTS_URL$quoted" -H "X-Api-Key: $SECRET")
  check "$quoted is refused" yes "$([[ "$status" == 40[03] || "$status" == "${LOCAL_QUOTE:-403}" ]] && echo yes || echo "no: $status")"
done
check 'an unknown path is 403' 403 "$(call "$PRODUCTS_URL/nothing" -H "X-Api-Key: $SECRET")"
check 'of the gateway itself' MissingAuthenticationTokenException "$(header x-amzn-ErrorType)"

over='' retry=''
for _ in $(seq 1 200); do
  status=$(call "$PRODUCTS_URL$path" -H "X-Api-Key: $SECRET")
  if [[ "$status" != 200 ]]; then over=$status retry=$(header Retry-After); break; fi
done
check 'calls above the limit are 429 (403 with OverLimitStatus=403)' "${OVER_LIMIT:-429}" "$over"
check 'with the code' qps_exceeded "$(code)"
if [[ "${OVER_LIMIT:-429}" == 429 ]]; then
  check 'and Retry-After in whole seconds' yes "$([[ "$retry" =~ ^[1-9][0-9]*$ ]] && echo yes || echo "no: '$retry'")"
  sleep "${retry:-1}"
  check 'waiting for it admits the next call' 200 "$(call "$PRODUCTS_URL$path" -H "X-Api-Key: $SECRET")"
fi
if [[ -n "${TOKEN:-}" ]]; then # somebody's access token, as the console gets it from the stack's own user pool
  check 'an access token is taken' 200 "$(call "${MANAGEMENT_URL:?}/v1/me" -H "Authorization: Bearer $TOKEN")"
  check 'and carries a verified address' yes "$(grep -q '"email": *"[^"]*@' "$body" && echo yes || echo no)"
fi
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
