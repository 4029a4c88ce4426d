// A leaked key: what its account wants done about it, the report, and what its people and callers see then.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, api, keyOf, launch, visit, ways } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function accountWith(name, body) {
  const { id: account } = await api("owner", "POST", "/v1/accounts", { name });
  return { account, key: await keyOf(account, { name: "In a repository", ...body }) };
}

async function report(operator, secret, url, says) {
  await operator.go("/operator");
  await operator.page.getByRole("link", { name: "Report a leaked key" }).click();
  await operator.page.getByLabel("Secret", { exact: true }).fill(secret);
  await operator.page.getByLabel(/Where it was found/).fill(url);
  await operator.page.getByRole("button", { name: "Report" }).click();
  await operator.says(says);
}

for (const [how, options] of ways) {
  test(`a reported secret is refused as the account's policy says, and its owner allows it again or rotates the key${how}`, async () => {
    const { account, key } = await accountWith("Leaky", { usage: "frontend" });
    const owner = await visit(browser, "owner", `/accounts/${account}/account/details`, options), operator = await visit(browser, "operator", "/operator", options);
    const { page } = owner, here = `/accounts/${account}/keys/${key.id}`, now = () => api("owner", "GET", `/v1${here}`);
    for (const one of [owner, operator]) one.c.expect(422);
    await page.getByRole("link", { name: "Leaked keys" }).click();
    await page.getByLabel("Front-end keys").selectOption({ label: "Refuse the secret" });
    await page.getByRole("button", { name: "Save" }).last().click();
    await owner.says(/It applies to the next report of a leaked key/);
    assert.equal((await api("owner", "GET", `/v1/accounts/${account}/policy`)).leaks.frontend, "refuse");
    await answers(key.secret, 200);

    await report(operator, "", "https://forum.example/t/1", /Paste the full secret/);
    await report(operator, `${key.secret.slice(0, -3)}aaa`, "", /No key has this secret/);
    await report(operator, key.secret, "https://forum.example/t/1?q=<b>", /Report received/);
    assert.equal(new URL(operator.page.url()).pathname, `/operator/keys/${key.id}`);
    await report(operator, key.secret, "https://forum.example/t/2", /Nothing changed: the secret was reported before/);
    const [exposure] = (await now()).exposures;
    assert.deepEqual([exposure.source, exposure.place, exposure.refused], ["operator", "https://forum.example/t/1?q=<b>", true]);
    await owner.go(`/accounts/${account}/keys`);
    await page.getByRole("row", { name: /In a repository/ }).getByText("Exposed").waitFor();
    await owner.go(here);
    await owner.says(/no longer works[\s\S]*Found at\s+https:\/\/forum\.example\/t\/1\?q=<b>[\s\S]*First reported\s+.*an operator/);
    await answers(key.secret, 401);

    const allow = () => page.getByRole("button", { name: "Allow", exact: true }).click();
    await page.getByRole("link", { name: "Allow this secret" }).click();
    await allow();
    await owner.says(/Enter a reason/);
    await page.getByLabel("Reason").fill("A sample in our documentation.");
    await allow();
    await owner.says(/The secret is allowed\. If it was refused, it works again within 10 seconds[\s\S]*an owner allowed it[\s\S]*A sample in our documentation/);
    const [lifted] = (await now()).exposures;
    assert.deepEqual([lifted.refused, lifted.lift_reason], [false, "A sample in our documentation."]);
    await answers(key.secret, 200);

    await page.locator("main a[href$='reason=leaked']").first().click();
    assert.deepEqual([await page.locator("#f-reason").inputValue(), await page.locator("#f-grace_seconds").inputValue()], ["leaked", "0"]);
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    const fresh = await page.locator("#secret").innerText();
    await answers(fresh, 200);
    await answers(key.secret, 401);
    await owner.go(here);
    assert.deepEqual((await now()).exposures, []);
    assert.equal(await page.getByText(/^Exposed/).count(), 0);
    for (const one of [owner, operator]) await one.end();
  });
}

test("where the policy only tells, a reported secret works on, and the key's page says so", async () => {
  const { account, key } = await accountWith("Told of a leak", { usage: "mobile" });
  const operator = await visit(browser, "operator", "/operator"), developer = await visit(browser, "owner", `/accounts/${account}/keys/${key.id}`);
  await report(operator, key.secret, "", /Report received/);
  await developer.go(`/accounts/${account}/keys/${key.id}`);
  await developer.says(/exposed and still works[\s\S]*Found at\s+The report doesn’t say/);
  assert.equal(await developer.page.getByRole("link", { name: "Allow this secret" }).count(), 1);
  await answers(key.secret, 200);
  for (const one of [operator, developer]) await one.end();
});
