// What the tests share: a browser, people, and a watch over its console.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { stack } from "./stack.mjs";

// launch starts a browser that draws without a graphics card's help, unless it is told how to do without one.
export const launch = (more = ["--disable-gpu"]) => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", ...more] });

// context opens a browser context that fails its test on any console error, page error or violation of the policy.
// A status of 4xx on a page that was asked for on purpose is the one exception, and has to be announced by expect.
export async function context(browser, options = {}) {
  const { theme, language, ...rest } = options;
  const c = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: "en-GB", ...rest });
  const { console_url } = stack();
  const cookies = { "latchkey-theme": theme, "latchkey-language": language };
  for (const [name, value] of Object.entries(cookies)) if (value) await c.addCookies([{ name, value, url: console_url }]);
  const found = [];
  const expected = new Set();
  let forgiven = null;
  c.on("console", (m) => {
    if (forgiven?.test(m.text())) return;
    const status = /^Failed to load resource: the server responded with a status of (\d+)/.exec(m.text())?.[1];
    if (m.type() === "error" && !expected.has(Number(status))) found.push(m.text());
  });
  c.on("weberror", (e) => found.push(e.error().message));
  c.expect = (...statuses) => statuses.forEach((s) => expected.add(s));
  c.forgive = (text) => { forgiven = text; };
  if (process.env.COVERAGE && options.javaScriptEnabled !== false) cover(c);
  c.check = () => assert.deepEqual(found, [], "the browser's console is clean");
  return c;
}

// cover counts what of the console's scripts runs, into a file of the folder COVERAGE for each page: coverage.mjs adds them up. It
// looks often, since a browser forgets the scripts of pages that it has left.
let covered = 0;
function cover(c) {
  const counting = new Map(), open = c.newPage.bind(c), close = c.close.bind(c);
  c.newPage = async () => {
    const page = await open(), end = page.close.bind(page), found = [];
    const session = await c.newCDPSession(page);
    await session.send("Profiler.enable");
    await session.send("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    const look = async () => {
      const { result } = await session.send("Profiler.takePreciseCoverage");
      for (const { url, functions } of result) if (url.includes("/assets/")) found.push({ url, functions });
    };
    const every = setInterval(() => look().catch(() => {}), 100);
    counting.set(page, async () => {
      clearInterval(every);
      counting.delete(page);
      await look().catch(() => {});
      mkdirSync(process.env.COVERAGE, { recursive: true });
      writeFileSync(join(process.env.COVERAGE, `${process.pid}-${covered++}.json`), JSON.stringify(found));
    });
    page.close = async (...how) => { await counting.get(page)?.(); await end(...how); };
    return page;
  };
  c.close = async (...how) => {
    await Promise.all([...counting.values()].map((stop) => stop()));
    await close(...how);
  };
}

// sessions are those of the ready-made people, by stack and person: who is signed in once needs no form again, in any test of a file. What
// ends sessions takes a person of its own.
const sessions = new Map();

// signIn takes a ready-made person, or anybody new by their subject, to a page.
export async function signIn(page, person, path = "/") {
  const { console_url: url, tokens } = stack(), known = `${url} ${person}`;
  const shared = person in tokens && process.env.REFRESH !== "once"; // else the session's cookie isn't all there is to it
  if (shared && sessions.has(known)) {
    await page.context().addCookies(sessions.get(known));
    await page.goto(url + path);
    await page.waitForSelector("#main");
    return;
  }
  await page.goto(url);
  await page.getByRole("link", { name: /Sign in|Se connecter|تسجيل الدخول|Šíg/ }).click();
  await enter(page, person);
  if (shared) sessions.set(known, (await page.context().cookies(url)).filter((one) => one.name.startsWith("__Host-latchkey-session")));
  if (path !== "/") await page.goto(url + path);
}

// enter is what a person does at the identity provider.
export async function enter(page, person) {
  const ready = page.locator(`button[name=person][value="${person}"]`);
  if (await ready.count()) await ready.click();
  else {
    await page.fill("input[name=email]", `${person}@example.com`);
    await page.fill("input[name=subject]", person);
    await page.locator("form").last().getByRole("button").click();
  }
  await page.waitForSelector("#main");
}

// ways are those in which people use the console: what a flow says of one it says of both.
export const ways = [["", {}], [", without JavaScript", { javaScriptEnabled: false }]];

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// visit signs a person in at a page. says waits for a text on it, in a dialog too; end checks the browser's console.
export async function visit(browser, person, path, options = {}) {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, person, path);
  return {
    c, page, go: (path) => page.goto(stack().console_url + path),
    says: async (text) => {
      for (let i = 0; ; i++) {
        const said = await page.locator("body").innerText();
        if (text.test(said)) return;
        if (i === 100) assert.match(said, text);
        await pause(100);
      }
    },
    end: async () => { c.check(); await c.close(); },
  };
}

// answers waits until the gate answers a call with the key by a status: changes take effect within 10 seconds.
export async function answers(secret, status, seconds = 12, headers = {}) {
  let seen;
  for (const end = Date.now() + seconds * 1000; ; await pause(250)) {
    ({ status: seen } = await tile(secret, headers));
    if (seen === status) return;
    if (Date.now() > end) assert.equal(seen, status, "what the gate answers");
  }
}

// counted makes calls until some are counted in a key's usage: what was just called is reported with a later call.
export async function counted(account, key, call, enough = (totals) => totals.requests > 0) {
  const span = `?from=${encodeURIComponent(new Date(Date.now() - 86400e3).toISOString())}&interval=day`;
  for (let i = 0; i < 60; i++, await pause(500)) {
    await call();
    const usage = await api("owner", "GET", `/v1/accounts/${account}/keys/${key}/usage${span}`);
    if (enough(usage.totals, usage)) return;
  }
  assert.fail("the calls of a key don't appear in its usage");
}

let people = 0;
export const newcomer = () => `newcomer${Date.now()}${people++}`;

// api calls the management API as a ready-made person.
export async function api(person, method, path, body, version) {
  const { management_url, tokens } = stack();
  const headers = { Authorization: `Bearer ${tokens[person]}` };
  if (body) headers["Content-Type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  if (version) headers["If-Match"] = `"${version}"`;
  const answer = await fetch(management_url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export const keyOf = (account, body) => api("owner", "POST", `/v1/accounts/${account}/keys`, { name: "Key", usage: "backend", products: ["map-display"], ...body });

// joins makes a ready-made person a member of the owner's account, in the role that the person is called by.
export async function joins(account, person, email) {
  const { token } = await api("owner", "POST", `/v1/accounts/${account}/invitations`, { role: person, email });
  await api(person, "POST", "/v1/invitations/accept", { token });
}

// tile calls the products API for a map tile with a key.
export const tile = (secret, headers = {}) => fetch(`${stack().products_url}/map/1/tile/basic/main/2/1/1.png?view=Unified&key=${secret}`, { headers });

// store asks the stack's database itself, for what no way through the API can make.
export async function store(action, body) {
  const answer = await fetch(stack().dynamodb_endpoint, { method: "POST", body: JSON.stringify(body), headers: {
    "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": `DynamoDB_20120810.${action}`, "X-Amz-Date": "20260101T000000Z",
    Authorization: "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none",
  } });
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// rewritten changes the items of a table that are wanted.
async function rewritten(TableName, wanted, change) {
  let found = 0;
  for (let ExclusiveStartKey, first = true; first || ExclusiveStartKey; first = false) {
    const page = await store("Scan", { TableName, ConsistentRead: true, ExclusiveStartKey });
    ExclusiveStartKey = page.LastEvaluatedKey;
    for (const item of page.Items.filter(wanted)) {
      change(item);
      await store("PutItem", { TableName, Item: item });
      found++;
    }
  }
  assert.ok(found > 0, `nothing to change in ${TableName}`);
}

// ofKey wants a key's record in the control table, which has other items of it beside it.
const ofKey = (key) => (item) => item.id?.S === key && item.current_secret;

// aged makes a key and its secret so many days older.
export async function aged(key, days) {
  const before = ({ S: at }) => ({ S: new Date(Date.parse(at) - days * 86400e3).toISOString() });
  await rewritten("ControlTable", ofKey(key), (item) => { for (const one of [item, item.current_secret.M]) one.created_at = before(one.created_at); });
}

// unagreed leaves a key as an earlier deployment would have, before a product of it covered any paths: they wait for an owner to accept them.
// No way through the API makes such a key, since no product of the catalogue covers more than it did.
export async function unagreed(key, product) {
  const list = (entry) => ({ L: [{ M: entry }] });
  await rewritten("ControlTable", ofKey(key), (item) => { item.product_paths = list({ product: { S: product }, paths: { L: [] } }); });
  await rewritten("GateTable", (item) => item.kid?.S === key, (item) => { item.con = list({ p: { S: product }, c: { L: [] } }); });
}

// briefly does something and waits for what it shows for a moment alone: from before it on, so that a busy machine doesn't miss it.
export const briefly = async (shown, act) => { await Promise.all([shown.waitFor(), act()]); };

// until waits until something holds of the page, which may lead to another one meanwhile: what fails while a document is gone or half there,
// as Playwright's own waitForFunction does then, doesn't hold yet. TestBrowserTestsWaitThroughNavigations keeps tests to it.
export async function until(page, holds, arg, timeout = 30_000) {
  const end = Date.now() + timeout;
  for (;;) {
    let failed;
    if (await page.evaluate(holds, arg).catch((err) => { failed = err; })) return;
    if (Date.now() > end) throw new Error(`it doesn't come true: ${holds}`, { cause: failed });
    await new Promise((done) => setTimeout(done, 20));
  }
}
