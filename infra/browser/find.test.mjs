// A search box takes a pasted secret: what leaves the browser is its hash.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { api, context, keyOf, launch, signIn, until } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const hash = (text) => createHash("sha256").update(text).digest("hex");
const places = {
  owner: { list: () => `/accounts/${stack().demo_account}/keys`, key: (id) => `/accounts/${stack().demo_account}/keys/${id}` },
  support: { list: () => "/operator", key: (id) => `/operator/keys/${id}` },
};

// search signs in, types into the search box and sends the form, and returns all requests from then on.
async function search(person, typed, options = {}) {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, person);
  await page.goto(stack().console_url + places[person].list());
  const requests = [];
  c.on("request", (request) => requests.push(request));
  await page.getByRole("searchbox").fill(typed);
  await page.getByRole("search").getByRole("button").click();
  return { c, page, requests };
}

const sent = async (requests) => (await Promise.all(requests.map(async (r) => [r.method(), r.url(), r.postData() ?? "", JSON.stringify(await r.allHeaders())].join(" "))));

for (const person of ["owner", "support"]) {
  test(`${person}: a pasted secret leads to its key, and no request has it`, async () => {
    const key = await keyOf(stack().demo_account, { name: `Lost by ${person}` });
    const { c, page, requests } = await search(person, ` ${key.secret} `);
    await page.getByText("The secret you pasted belongs to this key.").waitFor();
    assert.equal(new URL(page.url()).pathname, new URL(stack().console_url + places[person].key(key.id)).pathname);
    const all = await sent(requests);
    assert.deepEqual(all.filter((text) => text.includes(key.secret)), [], "no request has the secret");
    assert.equal(all.filter((text) => text.includes(hash(key.secret))).length, 1, "one has its hash");
    assert.deepEqual(all.filter((text) => text.split(" ")[1].includes(hash(key.secret))), [], "and no address");
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, history.state, document.cookie]));
    assert.ok(!kept.includes(key.secret));
    await page.goBack();
    assert.equal(await page.getByRole("searchbox").inputValue(), "", "nor is it in the box again");
    await page.getByRole("searchbox").fill("Lost by");
    await page.getByRole("search").getByRole("button", { name: /Search|Find/ }).click();
    await page.waitForURL(/q=Lost\+by/);
    c.check();
    await c.close();
  });

  test(`${person}, without JavaScript: no address has the secret`, async () => {
    const key = await keyOf(stack().demo_account, { name: `Lost without a script by ${person}` });
    const { c, page, requests } = await search(person, key.secret, { javaScriptEnabled: false });
    await page.getByText("The secret you pasted belongs to this key.").waitFor();
    assert.deepEqual(requests.filter((r) => r.url().includes(key.secret)).map((r) => r.url()), []);
    assert.ok(!(await page.content()).includes(key.secret));
    c.check();
    await c.close();
  });
}

for (const options of [{}, { javaScriptEnabled: false }]) {
  test(`a secret that is cut, or in capitals, is said to be none${options.javaScriptEnabled === false ? ", without JavaScript" : ""}`, async () => {
    const { secret } = await keyOf(stack().demo_account, { name: "Lost in part" });
    for (const typed of [secret.slice(0, -1), secret.toUpperCase()]) {
      const { c, page, requests } = await search("owner", typed, options);
      await page.getByText("This isn’t a complete key.").waitFor();
      assert.deepEqual(requests.filter((r) => r.url().includes(typed)).map((r) => r.url()), []);
      c.check();
      await c.close();
    }
  });

  test(`a secret behind a long address is found as it is pasted${options.javaScriptEnabled === false ? ", without JavaScript" : ""}`, async () => {
    const key = await keyOf(stack().demo_account, { name: "Lost in an address" });
    const address = `https://tiles.customers.example/a/path/that/is/longer/than/a/name/may/be/tile.png?view=Unified&key=${key.secret}`;
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(stack().console_url + places.owner.list());
    await page.getByRole("searchbox").focus();
    await page.keyboard.insertText(address); // a browser cuts this at a box's maxlength, as it cuts a paste; fill() writes over it
    await page.getByRole("searchbox").press("Enter");
    await page.getByText("The secret you pasted belongs to this key.").waitFor();
    assert.equal(new URL(page.url()).pathname, new URL(stack().console_url + places.owner.key(key.id)).pathname);
    c.check();
    await c.close();
  });
}

for (const options of [{}, { javaScriptEnabled: false }]) {
  test(`a secret that is pasted for a key's usage is in no address${options.javaScriptEnabled === false ? ", without JavaScript" : ""}`, async () => {
    const { id, secret, name } = await keyOf(stack().demo_account, { name: `Used by a page${options.javaScriptEnabled === false ? ", once more" : ""}` });
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "owner");
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    for (const path of ["usage?range=7d", "account/audit"]) {
      await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/${path}`);
      const field = page.locator(path === "account/audit" ? "#f-key" : "#f-find");
      await field.focus();
      await page.keyboard.insertText(`https://tiles.example/tile.png?key=${secret}`);
      await field.press("Enter");
      await page.waitForURL((url) => url.searchParams.get("key") === id);
      assert.equal(await field.inputValue(), path === "account/audit" ? id : name);
    }
    assert.deepEqual(requests.filter((url) => url.includes(secret.slice(0, 12))), []);
    c.check();
    await c.close();
  });
}

test("a key whose name looks like a secret stays chosen", async () => {
  const account = stack().demo_account, name = "org_2NNEqL2nrIRdJ194ndJqAHwEfxC";
  const key = await keyOf(account, { name });
  for (const options of [{}, { javaScriptEnabled: false }]) {
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(`${stack().console_url}/accounts/${account}/usage?key=${key.id}`);
    await page.getByLabel("Product", { exact: true }).selectOption({ index: 1 });
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.waitForURL((url) => url.searchParams.has("product"));
    assert.equal(new URL(page.url()).searchParams.get("key"), key.id);
    assert.equal(await page.locator("[name=find]").inputValue(), name);
    c.check();
    await c.close();
  }
});

test("a search that was stopped leaves nothing of its secret for the next one", async () => {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Stopped searches" }), root = `${stack().console_url}/accounts/${id}`;
  await api("operator", "PATCH", `/v1/accounts/${id}`, { type: "enterprise" });
  const key = await keyOf(id, { name: "Stopped" });
  for (const [path, box, required] of [["keys", "#q", false], ["qps-requests/new", "#f-find", true]]) {
    const c = await context(browser);
    const page = await c.newPage();
    await signIn(page, "owner");
    await page.goto(`${root}/${path}`);
    const sent = [], tab = await c.newCDPSession(page); // a locator would wait for the answer
    const ask = async (expression) => (await tab.send("Runtime.evaluate", { expression, returnByValue: true })).result.value;
    await page.route("**/*", (route) => (route.request().method() === "POST" && route.request().isNavigationRequest() ? void sent.push(route) : route.continue()));
    const state = `(({ form, required }) => [form.querySelectorAll("[name=secret_sha256]").length, required])(document.querySelector("${box}"))`;
    const [request] = await Promise.all([page.waitForRequest((one) => one.isNavigationRequest()), ask(`{ const box = document.querySelector("${box}"); box.value = "${key.secret}"; box.form.requestSubmit(); }`)]);
    assert.ok(request.postData().includes(hash(key.secret)));
    await tab.send("Page.stopLoading");
    for (let i = 0; i < 200 && (await ask(state))[0]; i++) await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(await ask(state), [0, required], path);
    assert.equal(sent.length, 1);
    await page.unroute("**/*");
    if (path === "keys") {
      await ask(`{ const status = document.querySelector("#status"); status.value = "active"; status.form.requestSubmit(); }`);
      await page.waitForURL(/keys\?.*status=active$/);
    }
    await c.close();
  }
});

test("the secret that a rotation is ending is found, and said so; one of nobody isn't", async () => {
  const key = await keyOf(stack().demo_account, { name: "Rotated and lost" });
  await api("owner", "POST", `/v1/accounts/${stack().demo_account}/keys/${key.id}/rotate`, { grace_seconds: 3600 });
  const { c, page } = await search("owner", key.secret);
  await page.getByText("stops working when the rotation ends").waitFor();
  await page.goto(stack().console_url + places.owner.list());
  await page.getByRole("searchbox").fill(key.secret.slice(0, -3) + "aaa");
  await page.getByRole("search").getByRole("button").click();
  await page.getByText("No key in this account has the secret you pasted.").waitFor();
  await page.reload();
  await page.getByRole("searchbox").waitFor();
  assert.equal(await page.getByText("has the secret you pasted").count(), 0, "reloading repeats nothing");
  c.check();
  await c.close();
});

test("/ leads to the search box, but not from a field", async () => {
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(stack().console_url + places.owner.list());
  const box = page.getByRole("searchbox");
  const focused = () => box.evaluate((e) => e === document.activeElement);
  assert.equal(await focused(), false);
  await page.keyboard.press("Control+/");
  assert.equal(await focused(), false);
  await page.keyboard.press("/");
  assert.ok(await focused());
  assert.equal(await box.inputValue(), "");
  await page.keyboard.type("a/b");
  assert.equal(await box.inputValue(), "a/b");
  await page.getByLabel("Status").first().focus();
  await page.keyboard.press("/");
  assert.equal(await focused(), false);
  await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/usage`);
  await page.keyboard.press("/");
  await page.waitForURL(/\/keys#q$/);
  await until(page, () => document.activeElement.id === "q");
  c.check();
  await c.close();
});

test("the key that leads to the search box can be turned off", async () => {
  const c = await context(browser, {});
  const page = await c.newPage();
  await signIn(page, "owner");
  await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/keys`);
  const at = () => page.evaluate(() => document.activeElement.id);
  for (const [name, leads] of [["Off", false], ["On", true]]) {
    await page.locator("[popovertarget=person]").click();
    await page.locator("#person").getByRole("button", { name, exact: true }).click();
    await until(page, (name) => document.querySelector(`#person [name=shortcut][value=${name}]`).ariaPressed === "true", name.toLowerCase());
    await page.keyboard.press("Escape");
    for (const again of [false, true]) {
      if (again) await page.reload();
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("/");
      assert.equal(await at() === "q", leads, `${name}, after a reload: ${again}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${stack().console_url}/accounts/${stack().demo_account}/keys/new`);
  const { x, width } = await page.locator("form.wideform").boundingBox();
  assert.ok(Math.abs(x + width / 2 - 720) < 24, "the middle of a form is that of a wide window");
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/form-1440.png` });
  if (process.env.SHOTS) await page.locator("[popovertarget=person]").click();
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/menu-1440.png` });
  c.check();
  await c.close();
});

test("an account is found in the switcher by words, and Enter leads to it", async () => {
  const ids = {};
  for (const name of ["Harbour North", "Harbour South", "Depot", "North Sea Cranes", "Ferries", "Pilots"]) ({ id: ids[name] } = await api("developer", "POST", "/v1/accounts", { name }));
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "developer");
  await page.goto(`${stack().console_url}/accounts/${ids.Depot}/keys`);
  await page.locator("[popovertarget=accounts]").click();
  const box = page.getByRole("searchbox", { name: "Find an account" }), shown = page.locator("#accounts [data-item]:visible");
  await until(page, () => document.activeElement?.matches("[data-narrows]"));
  await box.fill("nothing-is-called-so");
  await page.locator("#accounts [data-none]").waitFor();
  assert.equal(await shown.count(), 0);
  for (const [kind, pairs] of Object.entries(JSON.parse(readFileSync(new URL("../../shared/text/testdata/loose.json", import.meta.url))))) { // as Go's Loose
    for (const pair of pairs) {
      const found = await page.evaluate(([a, b]) => {
        const box = document.querySelector("[data-narrows]"), item = document.querySelector("#accounts [data-item]"), was = item.innerHTML;
        const finds = (typed, text) => {
          item.textContent = text;
          box.value = typed;
          box.dispatchEvent(new Event("input"));
          return !item.hidden;
        };
        const both = finds(a, b) && finds(b, a); // each is a part of the other
        item.innerHTML = was;
        return both;
      }, pair);
      assert.equal(found, kind !== "apart", `${kind}: ${pair.join(" and ")}`);
    }
  }
  await box.fill("north harb");
  assert.deepEqual(await shown.locator("span").first().allInnerTexts(), ["Harbour North"]);
  assert.equal(await shown.count(), 1);
  await box.press("Enter");
  await page.waitForURL(new RegExp(ids["Harbour North"]));
  c.check();
  await c.close();
});

test("an operator finds an account by a word in the middle of its name, and a key of it on its page", async () => {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Zug Mobility GmbH" });
  await keyOf(id, { name: "Oslo customer portal" });
  await keyOf(id, { name: "Another" });
  const { c, page } = await search("support", "gmbh mobil");
  await page.getByRole("link", { name: "Zug Mobility GmbH" }).first().click();
  await page.getByRole("searchbox").fill("customer oslo");
  await page.locator("#keys").getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: "Another" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Oslo customer portal" }).waitFor();
  c.check();
  await c.close();
});

for (const options of [{}, { javaScriptEnabled: false }]) {
  const how = options.javaScriptEnabled === false ? ", without JavaScript" : "";

  test(`an operator finds keys of all accounts by words, part by part${how}`, async () => {
    const mark = `mark${Date.now().toString(36)}`;
    for (let i = 0; i < 21; i++) await keyOf(stack().demo_account, { name: `Ferry ${mark} ${i}` });
    const { id } = await api("owner", "POST", "/v1/accounts", { name: `Quay of ${mark}` });
    await keyOf(id, { name: "Elsewhere", domains: [`${mark}.example`] });
    const { c, page } = await search("support", `${mark} FERRY`, options);
    const found = page.locator("#found tbody th");
    await page.getByText("Searched so far:").waitFor();
    assert.equal(await found.count(), 15);
    await page.getByRole("link", { name: "Search further" }).click();
    await page.getByText("Searched everything:").waitFor();
    assert.equal(await found.count(), 6);
    await page.getByRole("searchbox").fill(`${mark}.example`);
    await page.getByRole("search").getByRole("button").click();
    await page.getByRole("link", { name: "Elsewhere" }).click();
    await page.getByRole("heading", { name: "Elsewhere" }).waitFor();
    c.check();
    await c.close();
  });

  test(`an operator finds members by a part of their address${how}`, async () => {
    const { c, page } = await search("support", "owner@", options);
    const all = page.getByText("Searched everything:"), further = page.getByRole("link", { name: "Search further" });
    for (let more = true; more;) { // the other tests have made as many of the owner's accounts as they have
      await all.or(further).first().waitFor();
      assert.ok((await page.locator("#found tbody th").allInnerTexts()).every((text) => text.includes("owner@example.com")));
      more = !(await all.count());
      if (more) await page.goto(new URL(await further.getAttribute("href"), page.url()).href);
    }
    await page.getByRole("link", { name: "Search accounts and keys instead" }).click();
    await page.locator("#found").getByRole("heading", { name: "API keys" }).waitFor();
    c.check();
    await c.close();
  });
}
