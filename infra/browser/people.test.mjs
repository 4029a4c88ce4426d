// Signing in, sessions, leaving, and what operators do about accounts and people.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { api, context, keyOf, launch, newcomer, signIn, tile } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const off = { javaScriptEnabled: false };
const says = async (page, text) => assert.match(await page.locator("main").innerText(), text);

async function as(person, options) {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, person);
  return { c, page, go: (path) => page.goto(stack().console_url + path), end: async () => { c.check(); await c.close(); } };
}

// The cookies of the sign-ins that were begun and haven't come back.
const begun = async (c) => (await c.cookies()).map((k) => k.name).filter((name) => name.includes("latchkey-signin"));

test("two tabs sign in at once, each by its own cookie, and one that fails touches no other", async () => {
  const c = await context(browser);
  c.expect(400, 401);
  const { console_url: url, demo_account: account } = stack();
  const open = async (path) => {
    const before = await begun(c);
    const page = await c.newPage();
    await page.goto(url + path);
    await page.locator("main").getByRole("link", { name: "Sign in" }).click();
    await page.waitForURL(/login/);
    return { page, path, cookie: (await begun(c)).find((name) => !before.includes(name)) };
  };
  const tabs = [await open(`/accounts/${account}/usage`), await open(`/accounts/${account}/account`)];
  const failed = await open("/sessions");
  assert.equal((await begun(c)).length, 3, "each sign-in has its cookie");
  await failed.page.goto(`${url}/callback?error=access_denied&state=${failed.cookie.split("latchkey-signin-")[1]}`);
  await says(failed.page, /Couldn’t sign you in/);
  assert.deepEqual((await begun(c)).sort(), tabs.map((t) => t.cookie).sort(), "the others have theirs");
  for (const { page, path } of tabs.reverse()) {
    await page.locator("button[value=owner]").click();
    await page.waitForSelector("nav.tabs");
    assert.equal(new URL(page.url()).pathname, path, "each tab ends where it wanted to go");
  }
  assert.deepEqual(await begun(c), []);
  for (const { page, path } of tabs) {
    await page.reload();
    assert.equal(new URL(page.url()).pathname, path);
    await page.waitForSelector("nav.tabs");
  }
  c.check();
  await c.close();
});

test("sessions are listed, one is ended, then all, without JavaScript", async () => {
  const person = newcomer();
  const [here, ...others] = [await as(person, off), await as(person, off), await as(person, off)];
  const out = async (one) => { await one.go("/sessions"); return (await one.page.getByRole("link", { name: "Sign in" }).count()) === 1; };
  others.forEach((one) => one.c.expect(401));
  here.c.expect(401);
  await here.page.getByRole("button", { name: /Signed in as/ }).click();
  await here.page.getByRole("link", { name: "Sessions" }).click();
  assert.equal(await here.page.locator("tbody tr").count(), 3);
  assert.equal(await here.page.locator("tbody").getByText("This session").count(), 1);
  await here.page.getByRole("button", { name: "End session" }).first().click();
  await says(here.page, /The session has ended/);
  assert.equal(await here.page.locator("tbody tr").count(), 2);
  const gone = [await out(others[0]), await out(others[1])];
  assert.deepEqual(gone.toSorted(), [false, true], "one of the others has ended");
  await here.page.getByRole("button", { name: "Sign out everywhere" }).click();
  for (const one of [here, ...others]) {
    assert.ok(await out(one), "nobody is signed in");
    await one.end();
  }
});

test("an owner takes the account along and closes it: its keys stop", async () => {
  const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "Short & sweet" });
  const key = await keyOf(account, { name: "Last key" });
  assert.equal((await tile(key.secret)).status, 200);
  const owner = await as("owner");
  owner.c.expect(422);
  await owner.go(`/accounts/${account}/account/details`);
  await owner.page.getByRole("link", { name: "Export…" }).click();
  await says(owner.page, /API keys\s+1/);
  const download = owner.page.waitForEvent("download");
  await owner.page.getByRole("link", { name: "Download JSON" }).click();
  const file = await download;
  assert.match(file.suggestedFilename(), /^account-\d{4}-\d\d-\d\d\.json$/);
  const text = readFileSync(await file.path(), "utf8"), doc = JSON.parse(text);
  assert.deepEqual([doc.account.name, doc.keys.map((k) => k.name), doc.next_page_token], ["Short & sweet", ["Last key"], null]);
  assert.ok(doc.audit.length >= 2 && !text.includes(key.secret));

  await owner.go(`/accounts/${account}/account/details`);
  const close = async (name) => {
    await owner.page.getByRole("link", { name: "Close account…" }).click();
    const dialog = owner.page.locator("dialog[open]");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Close account" }).click();
  };
  await close("Short and sweet");
  await owner.page.getByRole("alert").getByText("Type “").waitFor();
  await owner.page.getByRole("link", { name: "Cancel" }).click();
  await close("  Short &  sweet ");
  await owner.page.getByText("The account is closed, and its keys are revoked.").waitFor();
  assert.deepEqual([await owner.page.getByRole("link", { name: "Close account…" }).count(), await owner.page.getByRole("link", { name: "Export…" }).count()], [0, 1]);
  assert.equal((await api("owner", "GET", `/v1/accounts/${account}/keys/${key.id}`)).status, "revoked");
  let status = 200;
  for (const end = Date.now() + 12e3; status === 200 && Date.now() < end; await new Promise((done) => setTimeout(done, 500))) status = (await tile(key.secret)).status;
  assert.equal(status, 401, "programs that use the key are refused");
  await owner.end();
});

test("an account's new type is chosen with its billing types, and followed until all keys have it", async () => {
  const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "Growing" });
  await api("operator", "PATCH", `/v1/accounts/${account}`, { key_limit: 200 });
  const keys = [];
  while (keys.length < 130) keys.push(...await Promise.all([...Array(10).keys()].map((i) => keyOf(account, { name: `Key ${keys.length + i}` })))); // one request takes 100
  const operator = await as("operator");
  await operator.go(`/operator/accounts/${account}`);
  await operator.page.getByRole("link", { name: "Change type…" }).click();
  const dialog = operator.page.locator("dialog[open]");
  await dialog.getByLabel("Freemium").selectOption("paying");
  await dialog.getByRole("button", { name: "Change type" }).click();
  await operator.page.getByText("The change to Enterprise is in progress.").waitFor();
  const followed = operator.page.url();
  await api("operator", "PATCH", `/v1/accounts/${account}`, { type: "enterprise", billing_types: { freemium: "paying" } }); // goes on with it
  await operator.page.getByText("All keys have followed").waitFor(); // the page looks by itself
  assert.equal(operator.page.url(), followed);
  for (const k of [keys[0], keys.at(-1)]) assert.equal((await api("owner", "GET", `/v1/accounts/${account}/keys/${k.id}`)).billing_type, "paying");
  await operator.end();
});

test("an invitation's link that is pasted where that page is open leaves the address at once, and shows its own invitation", async () => {
  const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "First house" }), { id: other } = await api("owner", "POST", "/v1/accounts", { name: "Second house" });
  const made = async (id) => (await api("owner", "POST", `/v1/accounts/${id}/invitations`, { role: "viewer" })).token;
  const one = await made(account), two = await made(other), member = await as(newcomer());
  const paste = (token) => member.page.evaluate((hash) => { location.hash = hash; }, token);
  const left = async () => assert.equal(await member.page.evaluate(() => location.href), `${stack().console_url}/invitations`);
  await member.go("/invitations");
  await paste(one);
  await member.page.getByRole("button", { name: "Accept the invitation" }).waitFor();
  await says(member.page, /First house/);
  await left();
  await paste(two); // the page shows another one, and has no field
  await member.page.getByText("Second house").waitFor();
  await left();
  for (let back = 0; back < 3; back++) {
    await member.page.goBack();
    assert.ok(!(await member.page.evaluate(() => location.href)).includes("lki_"), "nor is it in the history");
  }
  await member.end();
});

test("a person is erased from an account's page, by their subject typed", async () => {
  const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "With a guest" });
  await keyOf(account);
  const made = await api("owner", "POST", `/v1/accounts/${account}/invitations`, { role: "viewer" });
  const person = newcomer(), member = await as(person, off);
  await member.go("/invitations");
  await member.page.getByLabel("Invitation link").fill(made.token);
  await member.page.getByRole("button", { name: "Continue" }).click();
  await member.page.getByRole("button", { name: "Accept the invitation" }).click();
  await member.page.waitForSelector("table.keys");
  const operator = await as("operator");
  operator.c.expect(422);
  await operator.go(`/operator/accounts/${account}/people`);
  await operator.page.getByRole("link", { name: new RegExp(`Erase.*${person}`) }).click();
  await says(operator.page, /A pseudonym replaces[\s\S]*lose all memberships[\s\S]*can’t be undone/);
  for (const [typed, answer] of [["viewer", /to confirm/], [person, /The person was erased/]]) {
    await operator.page.getByLabel("Subject").fill(typed);
    await operator.page.getByRole("button", { name: "Erase person" }).click();
    await operator.page.locator(".notice").first().waitFor();
    await says(operator.page, answer);
  }
  for (const path of ["/members", "/audit"]) {
    const text = JSON.stringify(await api("owner", "GET", `/v1/accounts/${account}${path}?page_size=100`));
    assert.ok(!text.includes(person) && text.includes("erased_") === (path === "/audit"), path);
  }
  member.c.expect(404);
  await member.go(`/accounts/${account}/keys`);
  await says(member.page, /Page not found/);
  for (const one of [operator, member]) await one.end();
});

test("an admin ends all sessions of a person, from an account's page, after another look", async () => {
  const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "With a guest" });
  await keyOf(account);
  const made = await api("owner", "POST", `/v1/accounts/${account}/invitations`, { role: "viewer" });
  const person = newcomer(), member = await as(person, off), elsewhere = await as(person, off);
  await member.go("/invitations");
  await member.page.getByLabel("Invitation link").fill(made.token);
  await member.page.getByRole("button", { name: "Continue" }).click();
  await member.page.getByRole("button", { name: "Accept the invitation" }).click();
  await member.page.waitForSelector("table.keys");
  const operator = await as("operator");
  await operator.go(`/operator/accounts/${account}/people`);
  await operator.page.getByRole("link", { name: new RegExp(`End sessions.*${person}`) }).click();
  await says(operator.page, new RegExp(`at their next request[\\s\\S]*${person}`));
  await member.go("/sessions");
  await says(member.page, /This session/);
  await operator.page.getByRole("button", { name: "End sessions" }).click();
  await operator.page.locator(".notice").first().waitFor();
  await says(operator.page, /All of the person’s sessions were ended/);
  for (const one of [member, elsewhere]) {
    one.c.expect(401);
    await one.go("/sessions");
    assert.equal(await one.page.getByRole("link", { name: "Sign in" }).count(), 1);
  }
  for (const one of [operator, member, elsewhere]) await one.end();
});

test("operators of both ranks read what was changed about operators, and nobody else does", async () => {
  const named = newcomer();
  const admin = await as("operator", off), support = await as("support", off), owner = await as("owner", off);
  await admin.go("/operator/operators");
  await admin.page.getByLabel("Subject").fill(named);
  await admin.page.getByRole("button", { name: "Add operator" }).click();
  await admin.page.getByRole("link", { name: "Audit trail" }).click();
  await says(admin.page, new RegExp(`Operator added[\\s\\S]*${named}`));
  await support.go("/operator/operators/audit");
  await says(support.page, new RegExp(`Operator added[\\s\\S]*operator@example.com[\\s\\S]*${named}`));
  support.c.expect(403);
  await support.go("/operator/people/erase");
  await says(support.page, /You don’t have permission/);
  owner.c.expect(403);
  await owner.go("/operator/operators/audit");
  assert.ok(!(await owner.page.content()).includes(named));
  for (const one of [admin, support, owner]) await one.end();
});
