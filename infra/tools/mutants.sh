#!/usr/bin/env bash
# Changes the code of some packages in one place at a time (gremlins) and runs the package's own tests on each change. A package
# is red if its tests notice less than 90 % of what they run; what they may leave is explained in its mutants.md, if it has one.
# Arguments are packages, instead of all. It takes a quarter of an hour a package, so it is no part of `make test`.
set -euo pipefail
cd "$(dirname "$0")/../.."
least=90 # percent of killed and lived that must be killed

# package, then how many times as long as its tests a change may take, then what gremlins doesn't change by itself.
settings() {
  case $1 in
  shared/authz | shared/origin | shared/rotation | shared/usage) echo 4 --invert-logical ;;
  shared/limiter) echo 3 ;; # its simulation takes seconds; a change that loops ends sooner
  shared/qps) echo 4 ;;
  shared/dynamo/control) echo 3 ;; # it starts an engine for each
  *) return 1 ;;
  esac
}

packages=("$@")
if [ ${#packages[@]} = 0 ]; then
  packages=(shared/authz shared/origin shared/limiter shared/qps shared/rotation shared/usage shared/dynamo/control)
fi
mkdir -p .build
red=()
for package in "${packages[@]}"; do
  package=${package#./}
  read -r coefficient flags <<<"$(settings "$package")" || { echo "no settings for $package" >&2; exit 2; }
  log=.build/mutants-${package//\//-}.log
  echo "$package: see $log"
  # shellcheck disable=SC2086 # the flags are words
  if ! .tools/mutants/gremlins unleash --workers 1 --timeout-coefficient "$coefficient" ${flags:-} --threshold-efficacy "$least" \
    "./$package" >"$log" 2>&1; then
    red+=("$package")
  fi
  grep -E '^ *LIVED' "$log" || true
  grep -E '^(Killed|Timed out|Test efficacy)' "$log" || tail -n 5 "$log"
done
if [ ${#red[@]} != 0 ]; then
  echo "less than $least % of the mutants are killed, or it didn't run: ${red[*]}"
  exit 1
fi
