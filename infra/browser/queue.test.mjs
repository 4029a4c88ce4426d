// The operators' queue of QPS requests: what a key press decides, and what becomes of what was typed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, context, joins, launch, signIn, visit, ways } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// asked makes requests for some limits, of a new account, and returns where they are.
async function asked(...classes) {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Quick fingers" });
  await api("operator", "PATCH", `/v1/accounts/${id}`, { type: "enterprise" });
  const key = await api("owner", "POST", `/v1/accounts/${id}/keys`, { name: "Courier", usage: "backend", products: ["routing", "search"] });
  const made = [];
  for (const product of classes) made.push(await api("owner", "POST", `/v1/accounts/${id}/qps-requests`, { key_id: key.id, product, requested_qps: 60, justification: "More couriers." }));
  return made.map((r) => ({ id: r.id, path: `/v1/accounts/${id}/qps-requests/${r.id}`, page: `/operator/qps-requests/${id}/${r.id}` }));
}

const status = async (r) => (await api("owner", "GET", r.path)).status;

for (const [how, options] of ways) {
  test(`Enter decides no request${how}`, async () => {
    const [one] = await asked("routing");
    const c = await context(browser, options);
    const page = await c.newPage();
    await signIn(page, "operator");
    for (const [path, fields] of [["/operator/qps-requests", [`#f-comment-${one.id}`, `#f-qps-${one.id}`]], [one.page, ["#f-qps"]]]) {
      await page.goto(stack().console_url + path);
      for (const field of fields) {
        await page.locator(field).focus();
        await page.keyboard.type("7");
        await page.keyboard.press("Enter");
        assert.equal(new URL(page.url()).pathname, path, field);
      }
    }
    await page.locator("h1").click(); // whatever Enter sent has been answered
    assert.equal(await status(one), "pending");
    await page.fill("#f-qps", "50");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("The request is approved").waitFor();
    assert.equal(await status(one), "approved");
    c.check();
    await c.close();
  });
}

test("what was typed into other cards stays when one is decided, or opened", async () => {
  const [one, other] = await asked("routing", "search");
  const c = await context(browser);
  c.expect(422);
  const page = await c.newPage();
  await signIn(page, "operator");
  const queue = `${stack().console_url}/operator/qps-requests`;
  const typed = () => page.locator(`#f-comment-${one.id}`).inputValue().then(async (comment) => [comment, await page.inputValue(`#f-qps-${one.id}`)]);
  await page.goto(queue);
  await page.fill(`#f-comment-${one.id}`, "Half of it for now");
  await page.fill(`#f-qps-${one.id}`, "30");
  await page.locator(`form[action$="${other.id}"] [value=reject]`).click(); // which needs a comment: its own page says so
  await page.locator("#f-comment").waitFor();
  await page.fill("#f-comment", "Ask again in spring");
  await page.locator("main [value=reject]").click();
  await page.getByText("The request is rejected").waitFor();
  assert.deepEqual(await typed(), ["Half of it for now", "30"]);
  await page.goto(stack().console_url + one.page);
  await page.goto(queue);
  assert.deepEqual(await typed(), ["Half of it for now", "30"]);
  await page.locator(`form[action$="${one.id}"] [value=approve]`).click();
  await page.getByText("The request is approved").waitFor();
  assert.equal((await api("owner", "GET", one.path)).approved_qps, 30);
  c.check();
  await c.close();
});

test("what an operator typed is for nobody else", async () => {
  const [one] = await asked("routing");
  const c = await context(browser);
  const page = await c.newPage();
  await signIn(page, "operator");
  await page.goto(`${stack().console_url}/operator/qps-requests`);
  await page.fill(`#f-comment-${one.id}`, "Between us");
  await c.clearCookies({ name: /session/ }); // and somebody else signs in at this computer
  await signIn(page, "support");
  await page.goto(`${stack().console_url}/operator/qps-requests`);
  assert.ok(!(await page.content()).includes("Between us"));
  assert.ok(!(await page.evaluate(() => JSON.stringify(sessionStorage))).includes("Between us"));
  await c.close();
});

test("what was typed into one form stays when its neighbour is sent, and what was sent doesn't come back", async () => {
  const { id } = await api("owner", "POST", "/v1/accounts", { name: "Two forms" });
  const key = await api("owner", "POST", `/v1/accounts/${id}/keys`, { name: "Courier", usage: "backend", products: ["routing"] });
  await joins(id, "viewer", "viewer@example.com");
  const operator = await visit(browser, "operator", `/operator/accounts/${id}/limits`), owner = await visit(browser, "owner", `/accounts/${id}/account`);
  const { page } = operator, limit = (of, n) => of.locator("form[action*='/limits/'] [name=qps]").nth(n);
  const set = (of, n) => of.locator("form[action*='/limits/'] button").nth(n).click();
  await limit(page, 0).fill("300");
  await limit(page, 1).fill("400");
  await set(page, 0);
  await operator.says(/within 10 seconds/);
  assert.deepEqual([await limit(page, 0).inputValue(), await limit(page, 1).inputValue()], ["300", "400"]);

  await operator.go(`/operator/keys/${key.id}`);
  await page.locator("form[action$='/block'] [name=reason]").fill("Sold on a forum");
  await limit(page, 0).fill("7");
  await set(page, 0);
  await operator.says(/within 10 seconds/);
  assert.equal(await page.locator("form[action$='/block'] [name=reason]").inputValue(), "Sold on a forum");
  assert.equal((await api("owner", "GET", `/v1/accounts/${id}/keys/${key.id}`)).limits[0].qps, 7);

  const email = owner.page.locator("form[action$='/invitations'] [name=email]"), roles = owner.page.locator("form[action$='/role']");
  await email.fill("new@example.com");
  const other = roles.filter({ has: owner.page.locator("option[value=viewer][selected]") });
  await other.locator("select").selectOption("developer");
  await other.locator("button").click();
  await owner.page.locator("form[action$='/role'] option[value=developer][selected]").waitFor({ state: "attached" });
  assert.equal(await email.inputValue(), "new@example.com");
  const beside = roles.filter({ has: owner.page.locator("option[value=developer][selected]") }).locator("select");
  await beside.selectOption("viewer");
  await owner.page.getByRole("button", { name: /Create/ }).first().click();
  await owner.page.locator("[data-once] code").waitFor();
  assert.equal(await beside.inputValue(), "viewer", "what was chosen beside the invitation");
  await owner.go(`/accounts/${id}/account`);
  assert.equal(await email.inputValue(), "", "what was sent");
  for (const one of [operator, owner]) await one.end();
});
