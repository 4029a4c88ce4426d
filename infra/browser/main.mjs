// node main.mjs [[but] test files]: starts a stack and runs the browser tests against it, two files at a time; what is measured is alone.
// node main.mjs shots makes screenshots.
// REFRESH=once runs them against an issuer whose access tokens are renewed on every page and whose refresh tokens are good once.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { api } from "./browser.mjs";
import { run, stack } from "./stack.mjs";

const here = dirname(fileURLToPath(import.meta.url)), measured = ["speed.test.mjs"];
const files = process.argv.slice(2), all = readdirSync(here).filter((file) => file.endsWith(".test.mjs"));
const wanted = files[0] === "but" ? all.filter((file) => !files.includes(file)) : files.length ? files : all;
const tests = (atOnce, list) => (list.length ? [["--test", `--test-concurrency=${atOnce}`, "--test-reporter=spec", ...list]] : []);
const commands = files[0] === "shots" ? [["shots.mjs"]]
  : [...tests(2, wanted.filter((file) => !measured.includes(file))), ...tests(1, wanted.filter((file) => measured.includes(file)))];
process.exitCode = await run(async (STACK, PROGRAM) => {
  process.env.STACK = STACK;
  if (commands[0][0] === "--test") await api("operator", "PATCH", `/v1/accounts/${stack().demo_account}`, { key_limit: 1000 }); // all files make their keys there
  let worst = 0;
  for (const args of commands) {
    const code = await new Promise((done) => {
      spawn(process.execPath, args, { cwd: here, stdio: "inherit", env: { ...process.env, ...(PROGRAM && { PROGRAM }) } }).once("exit", (code) => done(code ?? 1));
    });
    worst = Math.max(worst, code);
  }
  return worst;
});
