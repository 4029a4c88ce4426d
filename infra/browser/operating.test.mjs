// Usage, QPS requests, members and the operator pages, driven as people do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { api, context, joins, launch, signIn, visit, ways, until } from "./browser.mjs";
import { prepareOperating } from "./operating-pages.mjs";
import { stack } from "./stack.mjs";

let browser, made;
before(async () => { browser = await launch(); made = await prepareOperating(); });
after(() => browser.close());

async function as(person, options) {
  const c = await context(browser, options);
  const page = await c.newPage();
  await signIn(page, person);
  return { c, page, go: (path) => page.goto(stack().console_url + path) };
}

test("an invitation's token reaches no server by URL or Referer, and survives the sign-in", async () => {
  const owner = await as("owner");
  await owner.go(`/accounts/${made.account}/account`);
  await owner.page.locator("#f-role").selectOption("viewer");
  await owner.page.getByRole("button", { name: "Create and copy link" }).click();
  const link = await owner.page.locator("#invitation-link").textContent();
  const token = link.split("#")[1];
  await owner.go(`/accounts/${made.account}/account`);
  assert.ok(!(await owner.page.content()).includes(token), "it is shown once");

  const c = await context(browser);
  const page = await c.newPage();
  const told = [];
  page.on("request", (r) => told.push(r.url().split("#")[0], r.headers().referer ?? ""));
  await page.goto(link);
  await page.locator("main").getByRole("link", { name: "Sign in", exact: true }).waitFor(); // the token was sent by the script
  const again = await c.newPage();
  await again.goto(link);
  await until(again, () => !location.hash); // nor does the history keep it where nothing takes it
  await again.close();
  await page.locator("main").getByRole("link", { name: "Sign in", exact: true }).click();
  await page.locator("button[name=person][value=viewer]").click();
  const accept = page.getByRole("button", { name: "Accept the invitation" });
  await accept.waitFor();
  assert.match(await page.locator("main").innerText(), /owner@example\.com invites you[\s\S]*Viewer/);
  assert.ok(!(await page.content()).includes(token));
  await accept.click();
  await page.waitForURL(/accounts\/.*\/keys/);
  assert.match(await page.locator("main").innerText(), /You’re now a member of this account/);
  assert.ok(told.length > 5 && told.every((text) => !text.includes(token)));
  for (const one of [owner.c, c]) { one.check(); await one.close(); }
});

test("a request is filed, decided by one of two operators, and its comment is read, without JavaScript", async () => {
  const off = { javaScriptEnabled: false };
  const owner = await as("owner", off);
  await owner.go(`/accounts/${made.account}/qps-requests/new`);
  await owner.page.fill("#f-find", made.key);
  await owner.page.getByRole("button", { name: "Next" }).click();
  await owner.page.locator("#f-class").selectOption("search");
  await owner.page.getByRole("button", { name: "Next" }).click();
  await owner.page.fill("#f-requested_qps", "25");
  await owner.page.fill("#f-justification", "Search as you type.\nTwo lines <b>of it</b>.");
  await owner.page.getByRole("button", { name: "Send request" }).click();
  await owner.page.waitForURL(/qps-requests\/qps_/);
  const filed = new URL(owner.page.url()).pathname;
  const queued = `/operator/qps-requests/${made.account}/${filed.split("/").pop()}`;

  const first = await as("operator", off), second = await as("operator", off);
  second.c.expect(409);
  await first.go(queued);
  await second.go(queued);
  await first.page.fill("#f-qps", "20");
  await first.page.fill("#f-comment", "Twenty is what the peak needs.");
  await first.page.getByRole("button", { name: "Approve" }).click();
  await second.page.fill("#f-comment", "No.");
  await second.page.getByRole("button", { name: "Reject" }).click();
  const late = await second.page.locator("main").innerText();
  assert.match(late, /already been decided/);
  assert.match(late, /Twenty is what the peak needs/);

  await owner.go(filed);
  const seen = await owner.page.locator("main").innerText();
  assert.match(seen, /Approved[\s\S]*20 granted[\s\S]*<b>of it<\/b>[\s\S]*Twenty is what the peak needs/);
  const key = await api("owner", "GET", `/v1/accounts/${made.account}/keys/${made.key}`);
  assert.equal(key.limits.find((l) => l.class === "search").qps, 20);
  for (const one of [owner, first, second]) { one.c.check(); await one.c.close(); }
});

test("a block with a reason of two lines is read by the customer, and lifted, without JavaScript", async () => {
  const operator = await as("operator", { javaScriptEnabled: false });
  await operator.go(`/operator?q=${made.site}`);
  await operator.page.fill("#f-reason", "Seen in a public repository.\nPlease rotate it.");
  await operator.page.getByRole("button", { name: "Block key" }).click();
  const key = await api("owner", "GET", `/v1/accounts/${stack().demo_account}/keys/${made.site}`);
  assert.equal(key.blocked.reason, "Seen in a public repository.\nPlease rotate it.");
  await operator.page.getByRole("button", { name: "Unblock key" }).click();
  assert.match(await operator.page.locator(".notice.good").innerText(), /no longer blocked/);
  operator.c.check();
  await operator.c.close();
});

test("a member is removed by keyboard, and the focus comes back from the dialog", async () => {
  const owner = await as("owner");
  await owner.go(`/accounts/${made.account}/account`);
  const link = owner.page.locator('a[href*="subject=developer"]');
  await link.focus();
  await owner.page.keyboard.press("Enter");
  await owner.page.waitForSelector("dialog[open]");
  await owner.page.keyboard.press("Escape");
  assert.ok(await link.evaluate((e) => e === document.activeElement));
  await owner.page.keyboard.press("Enter");
  await owner.page.waitForSelector("dialog[open]");
  await owner.page.keyboard.press("Tab"); // from the title
  await owner.page.keyboard.press("Enter");
  await owner.page.getByText("The member was removed.").waitFor();
  assert.equal(await link.count(), 0);
  owner.c.check();
  await owner.c.close();
});

test("usage shows the calls that were just made, and the file holds the same", async () => {
  const owner = await as("owner");
  const path = `/accounts/${stack().demo_account}/usage?key=${made.site}`;
  let text = "";
  for (let i = 0; i < 60 && !/copy\.example/.test(text); i++) {
    await new Promise((done) => setTimeout(done, 500));
    await owner.go(path);
    text = await owner.page.locator("main").innerText();
  }
  assert.match(text, /copy\.example/);
  assert.match(text, /Domain not allowed/);
  const download = owner.page.waitForEvent("download");
  await owner.page.getByRole("link", { name: "Download CSV" }).click();
  const table = readFileSync(await (await download).path(), "utf8");
  assert.match(table, /^start,account_id,key_id,key_name,billing_type,product,requests,[\s\S]*,Shop,[\s\S]*map-display,\d+/);
  const height = await owner.page.locator("svg.plot").first().evaluate((e) => e.getBoundingClientRect().height);
  assert.ok(height > 100);
  owner.c.check();
  await owner.c.close();
});

for (const [how, options] of ways) {
  test(`a request is withdrawn before anybody decides it, and leaves the operators' queue${how}`, async () => {
    const { id } = await api("owner", "POST", `/v1/accounts/${made.account}/qps-requests`, { key_id: made.key, product: "search", requested_qps: 40, justification: `Taken back${how}.` });
    const here = `/accounts/${made.account}/qps-requests/${id}`;
    const owner = await visit(browser, "owner", here, options), operator = await visit(browser, "operator", `/operator/qps-requests/${made.account}/${id}`, options);
    await owner.page.getByRole("link", { name: "Withdraw" }).click();
    await owner.says(/Withdraw this request\?/);
    await owner.page.getByRole("button", { name: "Withdraw" }).click();
    await owner.says(/The request was withdrawn[\s\S]*Withdrawn/);
    assert.equal(await owner.page.getByRole("link", { name: "Withdraw" }).count(), 0);
    assert.equal((await api("owner", "GET", `/v1${here}`)).status, "withdrawn");
    operator.c.expect(409);
    await operator.page.fill("#f-comment", "Too late.");
    await operator.page.getByRole("button", { name: "Reject" }).click();
    await operator.says(/The customer has withdrawn this request[\s\S]*Withdrawn/);
    await operator.go("/operator/qps-requests");
    assert.ok(!(await operator.page.content()).includes(id));
    for (const one of [owner, operator]) await one.end();
  });

  test(`a member is removed, what they leave behind is named, and they have no way back${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "Fewer people" });
    await joins(account, "developer");
    await api("developer", "POST", `/v1/accounts/${account}/keys`, { name: "Made by them", usage: "backend", products: ["search"] });
    const owner = await visit(browser, "owner", `/accounts/${account}/account`, options), developer = await visit(browser, "developer", `/accounts/${account}/keys`, options);
    await owner.page.locator('a[href*="subject=developer"]').click();
    await owner.page.getByRole("button", { name: "Remove", exact: true }).click();
    await owner.says(/The member was removed\.[\s\S]*Keys they created[\s\S]*Made by them/);
    assert.deepEqual((await api("owner", "GET", `/v1/accounts/${account}/members`)).members.map((m) => m.role), ["owner"]);
    developer.c.expect(404);
    await developer.go(`/accounts/${account}/keys`);
    await developer.says(/Page not found/);
    for (const one of [owner, developer]) await one.end();
  });
}
