"""Runs Schemathesis against a local run of its own, as an owner and as an operator.

The first argument says which form: coverage (for CI), or all (coverage, fuzzing, stateful). The exit status says whether there was
a finding that schemathesis.toml doesn't explain, or a phase that didn't come to its end.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "infra" / "schemathesis"
PHASES = {"coverage": ["coverage"], "all": ["coverage", "fuzzing", "stateful"]}
# What a phase looks for at random it does for so many seconds. Coverage has its cases, and does them all.
SECONDS = {"fuzzing": 500, "stateful": 500}
HUNG = 900  # seconds after which a phase has failed, coverage above all: one that is cut has shown nothing


def main():
    form = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="latchkey-contract-") as data:
        settings = dict(
            os.environ, LATCHKEY_DATA_DIR=data, LATCHKEY_PRODUCTS_PORT="0", LATCHKEY_MANAGEMENT_PORT="0", LATCHKEY_CONSOLE_PORT="0",
            LATCHKEY_PARAM_ChangesPerSecond="100000", LATCHKEY_PARAM_ChangesPerHour="100000000", LATCHKEY_PARAM_AccountsPerPerson="1000000",
            LATCHKEY_ISSUER_ACCESS_SECONDS="86400", LATCHKEY_PARAM_GitHubKeysUrl="",  # GitHub isn't asked, so the answer is 404
        )
        program = os.path.join(data, "latchkey")
        subprocess.run(["go", "build", "-o", program, "./infra/local"], cwd=ROOT, check=True)
        with open(os.path.join(data, "log"), "wb") as log:
            stack = subprocess.Popen([program], cwd=ROOT, env=settings, stdout=log, stderr=log)
            try:
                return check(form, started(stack, data))
            finally:
                stack.send_signal(signal.SIGTERM)
                stack.wait()


def started(stack, data):
    """Waits for the stack, and gives what it says of itself."""
    file = pathlib.Path(data, "run.json")
    for _ in range(1200):
        if file.exists():
            return json.loads(file.read_text())
        if stack.poll() is not None:
            break
        time.sleep(0.25)
    sys.exit("the stack didn't start:\n" + pathlib.Path(data, "log").read_text()[-4000:])


def call(run, person, method, path, body):
    """Makes one call, and gives the answer's document."""
    request = urllib.request.Request(
        run["management_url"] + path, method=method, data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + run["tokens"][person], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def parameters(phase, account, key):
    """Fixes what has to fit the data: a range of time that is kept, a month that is over, a version that is any, and the objects of the
    path, but for the stateful phase, which goes on with what it makes itself."""
    hour = lambda ago: time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() - 3600 * ago))
    over = time.gmtime(time.time() - 86400 * time.gmtime().tm_mday)
    fixed = {"query.from": hour(5), "query.to": hour(0), "path.month": time.strftime("%Y-%m", over), "header.If-Match": "*"}
    if phase != "stateful":
        fixed |= {"path.account": account, "path.key": key, "path.class": "search"}
    return "[parameters]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in fixed.items()) + "\n"


def ended(command, seconds, **settings):
    """Runs a command, and gives its exit status: 1 also where it doesn't end in that time."""
    try:
        return subprocess.run(command, timeout=seconds, **settings).returncode
    except subprocess.TimeoutExpired:
        print(f"not at its end after {seconds} seconds, so nothing is shown", flush=True)
        return 1


def check(form, run):
    """Runs the phases as each person, each on an account with a key that it may use up."""
    failed = 0
    for person in ("owner", "operator"):
        for phase in PHASES[form]:
            account = call(run, "owner", "POST", "/v1/accounts", {"name": "Schemathesis"})["id"]
            key = call(run, "owner", "POST", f"/v1/accounts/{account}/keys", {"name": "Schemathesis", "usage": "backend", "products": ["search", "routing"]})
            with tempfile.TemporaryDirectory() as settings:
                config = pathlib.Path(settings, "schemathesis.toml")
                config.write_text(parameters(phase, account, key["id"]) + (HERE / "schemathesis.toml").read_text())
                command = [
                    os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", str(config), "run", str(ROOT / "shared/api/openapi.yaml"),
                    "--url", run["management_url"], "--header", "Authorization: Bearer " + run["tokens"][person], "--continue-on-failure",
                    "--phases", phase, "--seed", "15", "--no-color", "--warnings", "off",
                ] + (["--max-time", str(SECONDS[phase])] if phase in SECONDS else [])
                print(phase, "as", person, flush=True)
                hooks = dict(SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE), LATCHKEY_KEY=key["id"], LATCHKEY_SECRET=key["secret"], LATCHKEY_PREVIEW=key["preview"])
                failed |= ended(command, HUNG, cwd=settings, env=dict(os.environ, **hooks))
    return failed


if __name__ == "__main__":
    sys.exit(main())
