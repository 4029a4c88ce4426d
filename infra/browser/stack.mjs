// The stack under test: a local run of its own, on free ports, with data of its own. fresh() builds it, unless PROGRAM names one that is
// built, starts it, runs what it is given, and stops it, whatever happens. run() is fresh() unless STACK=path/of/run.json names one that
// runs already.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export const run = (use) => process.env.STACK ? use(process.env.STACK) : fresh(use);

export async function fresh(use, more = {}) {
  const data = mkdtempSync(join(tmpdir(), "latchkey-browser-"));
  const env = { ...process.env, LATCHKEY_DATA_DIR: data, LATCHKEY_PRODUCTS_PORT: "0", LATCHKEY_MANAGEMENT_PORT: "0", LATCHKEY_CONSOLE_PORT: "0", LATCHKEY_THROTTLE: "off", ...more };
  if (process.env.REFRESH === "once") Object.assign(env, { LATCHKEY_ISSUER_REFRESH: "once", LATCHKEY_ISSUER_ACCESS_SECONDS: "50" });
  delete env.AWS_CA_BUNDLE;
  const program = process.env.PROGRAM ?? join(data, "latchkey");
  const built = process.env.PROGRAM ? { status: 0 } : spawnSync("go", ["build", "-o", program, "./infra/local"], { cwd: root, env, stdio: "inherit" });
  if (built.status !== 0) throw new Error("the local runner doesn't build");
  const log = [];
  const stack = spawn(program, [], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  for (const out of [stack.stdout, stack.stderr]) out.on("data", (text) => { log.push(text); if (log.length > 200) log.shift(); });
  const file = join(data, "run.json");
  try {
    for (let i = 0; !existsSync(file); i++) {
      if (stack.exitCode !== null || i > 1200) throw new Error("the stack didn't start:\n" + log.join(""));
      await wait(250);
    }
    return await use(file, program);
  } finally {
    if (stack.exitCode === null) {
      const ended = new Promise((done) => stack.once("exit", done));
      stack.kill("SIGTERM");
      await ended;
    }
    rmSync(data, { recursive: true, force: true });
  }
}

export const stack = (file = process.env.STACK) => JSON.parse(readFileSync(file, "utf8"));
