// What a page of somebody's own sees of the gate: reasons that it can read, and tiles that only the right pages get.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createProxy } from "node:net";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { branded, parameters } from "./brand.mjs";
import { keyOf, launch } from "./browser.mjs";
import { fresh, stack } from "./stack.mjs";

let browser, site, port;
before(async () => {
  browser = await launch();
  site = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>A page</title>"));
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  port = site.address().port;
});
after(async () => {
  await browser.close();
  site.close();
});

const tile = "/map/1/tile/basic/main/0/0/0.png";

// inPage opens a page of the host and runs there what a customer's script would.
async function inPage(host, use, argument) {
  const page = await browser.newPage();
  try {
    await page.goto(`http://${host}:${port}/`);
    return await page.evaluate(use, argument);
  } finally {
    await page.close();
  }
}

const read = async (url) => {
  const answer = await fetch(url);
  const problem = answer.headers.get("Content-Type") === "application/problem+json" ? await answer.json() : {};
  return { status: answer.status, code: problem.code, id: answer.headers.get("X-Request-Id") !== null, retry: answer.headers.get("Retry-After") };
};

test("a page reads the reason of every refusal", async () => {
  const { products_url: gate, demo_account: account } = stack();
  const { secret } = await keyOf(account, { name: "read by a page", usage: "frontend", domains: ["localhost"], products: ["map-display", "search"] });
  for (const [host, url, status, code] of [
    ["localhost", `${gate}${tile}`, 401, "unauthorized"],
    ["localhost", `${gate}/routing/1/calculateRoute/52.5,13.4:48.9,2.4/json?key=${secret}`, 403, "product_not_allowed"],
    ["127.0.0.1", `${gate}${tile}?key=${secret}`, 403, "domain_not_allowed"],
    ["localhost", `${gate}/map//x?key=${secret}`, 403, "path_not_canonical"],
    ["localhost", `${gate}/nothing/here?key=${secret}`, 403, "unknown_path"], // of the gateway itself: no authorizer is asked
    ["localhost", `${gate}${tile}?key=${secret}`, 200, undefined],
  ]) {
    const seen = await inPage(host, read, url);
    // An allowed call is answered by the upstream, with CORS headers of its own.
    assert.deepEqual([seen.status, seen.code, seen.id], [status, code, status !== 200], `${host} ${code}`);
  }
  const over = await inPage("localhost", async (url) => {
    for (let round = 0; round < 5; round++) { // 5 a second: of 30 at once most are too many
      const all = await Promise.all(Array.from({ length: 30 }, () => fetch(url)));
      const refused = all.find((a) => a.status === 429);
      if (refused) return { status: 429, code: (await refused.json()).code, retry: refused.headers.get("Retry-After") };
    }
    return {};
  }, `${gate}/search/2/search/berlin.json?key=${secret}`);
  assert.deepEqual([over.status, over.code], [429, "qps_exceeded"]);
  assert.match(over.retry, /^[1-9]\d*$/, "the page can read Retry-After");
});

test("a key that was copied out of a server or an app is refused to a page, with the code of what is wrong", async () => {
  const { products_url: gate, demo_account: account } = stack();
  for (const [restriction, code] of [
    [{ usage: "backend", networks: ["203.0.113.0/24"] }, "ip_not_allowed"],
    [{ usage: "mobile", apps: [{ platform: "android", package: "com.example.app", sha1: "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09" }] }, "app_not_allowed"],
    [{ usage: "backend", networks: ["127.0.0.0/8"] }, undefined],
  ]) {
    const { secret } = await keyOf(account, { name: "copied", ...restriction });
    assert.equal((await inPage("localhost", read, `${gate}${tile}?key=${secret}`)).code, code);
  }
});

test("a page may send its key in X-Api-Key", async () => {
  const { products_url: gate, demo_account: account } = stack();
  const { secret } = await keyOf(account, { name: "in a header", usage: "frontend", domains: ["localhost"] });
  const status = await inPage("localhost", async ([url, key]) => (await fetch(url, { headers: { "X-Api-Key": key } })).status, [gate + tile, secret]);
  assert.equal(status, 200);
});

test("tiles of a key locked to another domain stay blank, by Referer alone", async () => {
  const { products_url: gate, demo_account: account } = stack();
  const { secret } = await keyOf(account, { name: "embedded", usage: "frontend", domains: ["localhost"] });
  const embed = (url) => new Promise((done) => {
    const image = new Image();
    image.referrerPolicy = "origin";
    image.onload = () => done(image.naturalWidth);
    image.onerror = () => done(0);
    image.src = url;
  });
  assert.equal(await inPage("localhost", embed, `${gate}${tile}?key=${secret}`), 256, "its own page shows the tile");
  assert.equal(await inPage("127.0.0.1", embed, `${gate}${tile}?key=${secret}`), 0, "another page doesn't");
});

// faultyStore runs a store behind a proxy that can refuse every connection, as a store does that can't be reached.
async function faultyStore(use) {
  const data = mkdtempSync(join(tmpdir(), "latchkey-store-"));
  const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
  const free = createProxy();
  const port = await listen(free);
  await new Promise((done) => free.close(done));
  const modules = join(dirname(fileURLToPath(import.meta.url)), "..", "local", "node_modules");
  const store = spawn(join(modules, "@dynoxide", `${platform()}-${arch()}`, "dynoxide"), ["--host", "127.0.0.1", "--port", port, "--db-path", join(data, "store.db")], { stdio: "ignore" });
  const ended = new Promise((done) => store.once("exit", done));
  const open = new Set();
  let refuses = false;
  const proxy = createProxy((from) => {
    if (refuses) return from.resetAndDestroy();
    const to = connect(port, "127.0.0.1");
    for (const [one, other] of [[from, to], [to, from]]) {
      open.add(one);
      one.on("error", () => {}).once("close", () => { open.delete(one); other.destroy(); });
      one.pipe(other);
    }
  });
  try {
    return await use(`http://127.0.0.1:${await listen(proxy)}`, () => {
      refuses = true;
      for (const one of open) one.resetAndDestroy();
    }, () => { refuses = false; });
  } finally {
    proxy.close();
    store.kill("SIGKILL");
    await ended;
    rmSync(data, { recursive: true, force: true });
  }
}

// One stack of its own is enough for what needs another: a brand, and a store that fails.
test("on a stack of its own", (t) => faultyStore((endpoint, down, up) => fresh(async (file) => {
  await t.test("five pages and the sign-in under another brand: light and dark, wide and narrow, two languages", () => branded(file));
  await t.test("a page reads unavailable and Retry-After while the store can't be reached, and goes on when it is back", async () => {
    const { products_url: gate, management_url: management, demo_account: account, tokens } = stack(file);
    const made = await fetch(`${management}/v1/accounts/${account}/keys`, {
      method: "POST", headers: { Authorization: `Bearer ${tokens.owner}`, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "not used yet", usage: "frontend", domains: ["localhost"], products: ["map-display"] }),
    });
    const { secret } = await made.json();
    down();
    const url = `${gate}${tile}?key=${secret}`;
    try {
      assert.deepEqual(await inPage("localhost", read, url), { status: 503, code: "unavailable", id: true, retry: "1" });
      // What can be refused without the store still is: an outage must not look like a bad key, nor a bad key like an outage.
      assert.deepEqual(await inPage("localhost", read, `${url}x`), { status: 401, code: "unauthorized", id: true, retry: null });
    } finally {
      up();
    }
    const begin = Date.now();
    let seen;
    do seen = await inPage("localhost", read, url); while (seen.status === 503 && Date.now() - begin < 10e3);
    assert.equal(seen.status, 200);
  });
}, { DYNAMODB_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: "", ...parameters })));
