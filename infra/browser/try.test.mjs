// A key is tried from its page: with a placeholder, and with the key pasted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, context, keyOf, launch, signIn, tile } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const account = () => stack().demo_account;
const pageOf = (key, rest = "") => `${stack().console_url}/accounts/${account()}/keys/${key.id}${rest}`;

// paste signs in, pastes a secret on the page to try a key, and returns the page and the calls to the products that it made.
async function paste(key, options = {}) {
  const c = await context(browser, options);
  const page = await c.newPage();
  const calls = [];
  page.on("request", (request) => { if (request.url().startsWith(stack().products_url) && request.method() !== "OPTIONS") calls.push(request); });
  await signIn(page, "owner");
  await page.goto(pageOf(key, "/try"));
  await page.getByLabel("API key").fill(key.secret);
  await page.getByRole("button", { name: "Try it" }).click();
  await page.locator("main [data-secret]").first().waitFor();
  return { c, page, calls };
}

test("a pasted key draws its first tile, and no address or storage has it", async () => {
  const key = await keyOf(account(), { name: "A tile to see", usage: "frontend" });
  const { c, page, calls } = await paste(key);
  await page.getByText("The request was allowed. Status: 200").waitFor();
  const painted = await page.locator("canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data).size;
  });
  assert.ok(painted > 2, `a picture, not ${painted} values`);
  assert.deepEqual(calls.map((call) => [call.url().includes(key.secret), call.headers()["x-api-key"] === key.secret]), [[false, true]]);
  assert.ok(!page.url().includes("ak_"));
  const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, history.state, document.cookie]));
  assert.ok(!kept.includes(key.secret));
  // Where one goes next and comes back from, it is gone.
  await page.getByRole("link", { name: "Try again" }).click();
  await page.getByLabel("API key").waitFor();
  assert.ok(!(await page.content()).includes(key.secret));
  c.check();
  await c.close();
});

test("a key for other pages calls nothing, and its page says what theirs would be answered", async () => {
  const key = await keyOf(account(), { name: "For a shop", usage: "frontend", domains: ["*.shop.example"] });
  for (const javaScriptEnabled of [true, false]) {
    const { c, page, calls } = await paste(key, { javaScriptEnabled });
    await page.getByText("doesn’t accept requests from the console").waitFor();
    await page.getByText("Allowed.").waitFor();
    const command = await page.locator("#code-curl").textContent();
    assert.ok(command.includes(key.secret) && command.endsWith("-H 'Origin: https://www.shop.example'"), command);
    assert.deepEqual(calls, []);
    c.check();
    await c.close();
  }
});

test("a refused domain is allowed with one click, and the gate obeys", async () => {
  const key = await keyOf(account(), { name: "With a copy", usage: "frontend", domains: ["shop.example"] });
  const from = { Origin: "https://copy.example" };
  const span = `?from=${encodeURIComponent(new Date(Date.now() - 86_400_000).toISOString())}&interval=day`;
  for (let i = 0; i < 30; i++) {
    assert.equal((await tile(key.secret, from)).status, 403);
    if ((await api("owner", "GET", `/v1/accounts/${account()}/keys/${key.id}/usage${span}`)).by_origin?.some((o) => o.name === "copy.example")) break;
    await new Promise((done) => setTimeout(done, 1000));
  }
  const c = await context(browser, { javaScriptEnabled: false });
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(pageOf(key));
  await page.getByRole("button", { name: "Allow on this key: copy.example" }).click();
  await page.getByText("copy.example is now allowed for this key. This takes effect within 10 seconds.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Allow on this key" }).count(), 0);
  assert.deepEqual((await api("owner", "GET", `/v1/accounts/${account()}/keys/${key.id}`)).domains.sort(), ["copy.example", "shop.example"]);
  let status = 0;
  for (let i = 0; i < 30 && status !== 200; i++) {
    await new Promise((done) => setTimeout(done, 500));
    ({ status } = await tile(key.secret, from));
  }
  assert.equal(status, 200);
  c.check();
  await c.close();
});
