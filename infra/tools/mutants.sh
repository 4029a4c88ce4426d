#!/usr/bin/env bash
# Changes the code of some packages in one place at a time (gremlins) and runs the package's own tests on each change. A package
# is red if its tests notice less than 90 % of what they run; what they may leave is explained in its mutants.md, if it has one.
# Arguments are packages, instead of all. It takes a minute (shared/qps) to an hour (shared/dynamo/control), so it is no part of
# `make test`.
set -euo pipefail
cd "$(dirname "$0")/../.."
least=90 # percent of killed and lived that must be killed

# package, then how many times as long as the first run of its tests a change may take, then flags of `go test`.
settings() {
  case $1 in
  shared/authz | shared/origin | shared/usage) echo 10 ;;
  shared/qps | shared/rotation) echo 40 ;; # their tests take no time, so a busy machine would cut them short
  shared/limiter) echo 3 ;; # its simulation takes seconds; a change that loops ends sooner
  shared/dynamo/control) echo 4 -skip=TestRandomCommandsKeepTheRulesOnTheEngine ;; # most of the time, and it runs in memory too
  *) return 1 ;;
  esac
}

packages=("$@")
if [ ${#packages[@]} = 0 ]; then
  packages=(shared/authz shared/origin shared/limiter shared/qps shared/rotation shared/usage shared/dynamo/control)
fi

# gremlins takes any `go test` that ends with 1 for a test that noticed, but a change that doesn't compile ends with 1 too. This
# `go`, which it finds first, ends with 2 then: "not viable".
mkdir -p .build/mutants
cat >.build/mutants/go <<EOF
#!/usr/bin/env bash
code=0
out=\$("$(command -v go)" "\$@" 2>&1) || code=\$?
printf '%s\n' "\$out"
if [ "\$code" = 1 ] && [[ \$out == *"[build failed]"* ]]; then code=2; fi
exit "\$code"
EOF
chmod +x .build/mutants/go

red=()
for package in "${packages[@]}"; do
  package=${package#./}
  read -r coefficient flags <<<"$(settings "$package")" || { echo "no settings for $package" >&2; exit 2; }
  log=.build/mutants-${package//\//-}.log
  echo "$package: see $log"
  # A first run that comes from the cache would take no time, and no change would have any. What vet finds is no test's merit.
  if ! PATH=$PWD/.build/mutants:$PATH GOFLAGS="-count=1 -vet=off ${flags:-}" .tools/mutants/gremlins unleash --workers 1 \
    --timeout-coefficient "$coefficient" --invert-logical --threshold-efficacy "$least" "./$package" >"$log" 2>&1; then
    red+=("$package")
  fi
  grep -E '^ *(LIVED|TIMED OUT)' "$log" || true
  grep -E '^(Killed|Timed out|Test efficacy)' "$log" || tail -n 5 "$log"
done
if [ ${#red[@]} != 0 ]; then
  echo "less than $least % of the mutants are killed, or it didn't run: ${red[*]}"
  exit 1
fi
