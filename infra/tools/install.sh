#!/usr/bin/env bash
# Installs the linters ("go": golangci-lint, gofumpt; "python": cfn-lint, SAM CLI; "checkov"), "mutants" (gremlins), "sbom" (cyclonedx-gomod),
# "schemathesis", "gitleaks" and "rie" (AWS's Runtime Interface Emulator) once for each state of their inputs, into a folder that all clones on this machine share,
# and links .tools/bin, .tools/venv, or .tools/ and the name to it. It may be deleted at any time.
set -euo pipefail
cd "$(dirname "$0")/../.."
gremlins=v0.5.0
cyclonedx=v1.10.0
gitleaks=v8.30.1
rie=v0.0.0-20261030222936-bef5c4ba774d
cache=${XDG_CACHE_HOME:-$HOME/.cache}/latchkey/tools
mkdir -p .tools

# hash prints a name for what is installed from these files, with this toolchain on this kind of machine.
hash() {
  { printf '%s\n' "$1"; shift; cat "$@"; } | sha256sum | cut -c1-16
}

install_go() {
  go build -C infra/tools -o "$1/" tool
}

install_mutants() { # by its own module: what it needs would change the versions of the linters
  GOBIN=$1 go install "github.com/go-gremlins/gremlins/cmd/gremlins@$gremlins"
}

install_sbom() { # by its own module, as above
  GOBIN=$1 go install "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$cyclonedx"
}

install_rie() { # by its own module, as above
  CGO_ENABLED=0 GOBIN=$1 go install "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@$rie"
}

install_gitleaks() { # by its own module, as above
  CGO_ENABLED=0 GOBIN=$1 go install "github.com/zricethezav/gitleaks/v8@$gitleaks"
}

install_python() { # in place: a virtual environment can't be moved
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r infra/lint/requirements.txt
}

install_schemathesis() {
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r infra/schemathesis/requirements.txt
}

install_checkov() {
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r infra/lint/checkov.txt
}

case ${1:-} in
go)
  key=go-$(hash "$(go env GOVERSION GOOS GOARCH)" infra/tools/go.mod infra/tools/go.sum) link=.tools/bin
  has=(golangci-lint gofumpt) about="building golangci-lint and gofumpt (minutes, once)"
  ;;
python)
  key=python-$(hash "$(python3 -c 'import sys; print(sys.version, sys.prefix)')" infra/lint/requirements.txt) link=.tools/venv
  has=(bin/python bin/cfn-lint bin/sam) about="installing cfn-lint and SAM CLI (a minute, once)"
  ;;
mutants)
  key=mutants-$gremlins-$(hash "$(go env GOVERSION GOOS GOARCH)" /dev/null) link=.tools/mutants
  has=(gremlins) about="installing gremlins $gremlins"
  ;;
sbom)
  key=sbom-$cyclonedx-$(hash "$(go env GOVERSION GOOS GOARCH)" /dev/null) link=.tools/sbom
  has=(cyclonedx-gomod) about="installing cyclonedx-gomod $cyclonedx (minutes, once)"
  ;;
gitleaks)
  key=gitleaks-$gitleaks-$(hash "$(go env GOVERSION GOOS GOARCH)" /dev/null) link=.tools/gitleaks
  has=(gitleaks) about="installing gitleaks $gitleaks"
  ;;
rie)
  key=rie-$rie-$(hash "$(go env GOVERSION GOOS GOARCH)" /dev/null) link=.tools/rie
  has=(aws-lambda-rie) about="installing AWS's Runtime Interface Emulator"
  ;;
schemathesis)
  key=schemathesis-$(hash "$(python3 -c 'import sys; print(sys.version, sys.prefix)')" infra/schemathesis/requirements.txt) link=.tools/schemathesis
  has=(bin/python bin/schemathesis) about="installing Schemathesis"
  ;;
checkov)
  key=checkov-$(hash "$(python3 -c 'import sys; print(sys.version, sys.prefix)')" infra/lint/checkov.txt) link=.tools/checkov
  has=(bin/python bin/checkov) about="installing Checkov (a minute, once)"
  ;;
*)
  echo "usage: $0 go|python|mutants|sbom|gitleaks|rie|schemathesis|checkov" >&2
  exit 2
  ;;
esac

# complete says whether an installation came to its end, and is still there.
complete() {
  local file
  [ -e "$cache/$key/.installed" ] || return 1
  for file in "${has[@]}"; do [ -x "$cache/$key/$file" ] || return 1; done
}

if ! complete; then
  mkdir -p "$cache"
  exec 9>"$cache/$key.lock" # another clone may be at it
  flock 9
  if ! complete; then
    echo "$about"
    rm -rf "${cache:?}/$key"
    mkdir -p "$cache/$key"
    "install_$1" "$cache/$key"
    touch "$cache/$key/.installed"
  fi
  exec 9>&-
fi
if [ "$(readlink "$link" || true)" != "$cache/$key" ]; then
  rm -rf "$link"
  ln -s "$cache/$key" "$link"
fi
