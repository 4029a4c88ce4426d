// node main.mjs [[but] test files]: starts a stack and runs the browser tests against it. node main.mjs shots makes screenshots.
// REFRESH=once runs them against an issuer whose access tokens are renewed on every page and whose refresh tokens are good once.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./stack.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const files = process.argv.slice(2);
const all = ["gate.test.mjs", "examples.test.mjs", "try.test.mjs", "find.test.mjs", "lost.test.mjs", "brand.test.mjs", "first.test.mjs", "flows.test.mjs", "selected.test.mjs", "tasks.test.mjs", "operating.test.mjs", "people.test.mjs", "usage.test.mjs", "scripts.test.mjs", "dialogs.test.mjs", "keyboard.test.mjs", "noscript.test.mjs", "appearance.test.mjs", "speed.test.mjs"];
const args = files[0] === "shots" ? ["shots.mjs"]
  : ["--test", "--test-concurrency=1", "--test-reporter=spec", ...(files[0] === "but" ? all.filter((file) => !files.includes(file)) : files.length ? files : all)];
process.exitCode = await run((STACK) => new Promise((done) => {
  spawn(process.execPath, args, { cwd: here, stdio: "inherit", env: { ...process.env, STACK: join(STACK) } }).once("exit", (code) => done(code ?? 1));
}));
