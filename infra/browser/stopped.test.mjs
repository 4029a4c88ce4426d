// What operators stop: an account, and a key. Its people see it and read why, and the gate refuses its calls until it is allowed again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, api, keyOf, launch, visit, ways } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const [how, options] of ways) {
  test(`an account is suspended and resumed, and its people are told on every page${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "Late payer" });
    const { secret } = await keyOf(account, { name: "Of a late payer" });
    await answers(secret, 200);
    const operator = await visit(browser, "operator", `/operator/accounts/${account}`, options), owner = await visit(browser, "owner", `/accounts/${account}/keys`, options);
    const { page } = operator, told = owner.page.getByRole("note").getByText("This account is suspended");
    operator.c.expect(422);
    const suspended = async () => (await api("owner", "GET", `/v1/accounts/${account}`)).suspended;
    const press = () => page.getByRole("button", { name: "Suspend account" }).click();
    assert.equal(await told.count(), 0);

    await page.getByRole("link", { name: "Suspend account" }).click();
    await press();
    await operator.says(/Enter a reason/);
    assert.equal(await suspended(), null);
    await page.getByLabel("Reason").fill("Invoice 7 is open.\n<b>Call us</b>.");
    await press();
    await operator.says(/The account is suspended\. Its keys stop working within 10 seconds/);
    const { reason, until } = await suspended();
    assert.deepEqual([reason, until], ["Invoice 7 is open.\n<b>Call us</b>.", null]);
    for (const path of ["keys", "usage", "account/details"]) {
      await owner.go(`/accounts/${account}/${path}`);
      await owner.says(/This account is suspended\s+Invoice 7 is open\.\n<b>Call us<\/b>\.\s+None of its keys works/);
    }
    await answers(secret, 401);

    await page.getByRole("link", { name: "Change suspension" }).click();
    await page.getByLabel("End date").fill("2090-01-02");
    await press();
    await operator.says(/Ends\s+.*2090/);
    assert.match((await suspended()).until, /^2090-01-02T00:00:00/);
    await owner.go(`/accounts/${account}/keys`);
    await owner.says(/The suspension ends on 2 Jan 2090, 00:00 UTC\./);
    await page.getByRole("button", { name: "Resume account" }).click();
    await operator.says(/The account is active again/);
    assert.equal(await suspended(), null);
    await owner.go(`/accounts/${account}/keys`);
    assert.equal(await told.count(), 0);
    await answers(secret, 200);
    const { rows } = await api("owner", "GET", `/v1/accounts/${account}/audit?action=account`);
    assert.deepEqual(rows.map((row) => row.action).filter((action) => /suspend|resume/.test(action)), ["account.resume", "account.suspend", "account.suspend"]);
    for (const one of [operator, owner]) await one.end();
  });

  test(`a key is blocked for a common reason, waits on the operators' home, and is allowed again from there${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: `Busy neighbours${how}` });
    const key = await keyOf(account, { name: "Too loud" }), now = () => api("owner", "GET", `/v1/accounts/${account}/keys/${key.id}`);
    const operator = await visit(browser, "operator", `/operator/keys/${key.id}`, options), owner = await visit(browser, "owner", `/accounts/${account}/keys/${key.id}`, options);
    const { page } = operator;
    operator.c.expect(422);
    await page.getByRole("button", { name: "Block key" }).click();
    await operator.says(/Enter a reason/);
    assert.equal((await now()).blocked, null);
    await page.locator("#f-common").selectOption({ label: "Unusual traffic comes from this key." });
    await page.getByLabel("Details").fill("3,000 tiles a second.");
    await page.getByRole("button", { name: "Block key" }).click();
    await operator.says(/The key is blocked\. It stops working within 10 seconds/);
    assert.match((await now()).blocked.reason, /^Unusual traffic comes from this key\.\s3,000 tiles a second\.$/);
    await owner.go(`/accounts/${account}/keys/${key.id}`);
    await owner.says(/Blocked by an operator[\s\S]*Unusual traffic[\s\S]*3,000 tiles a second[\s\S]*Only an operator can lift this/);
    await answers(key.secret, 401);
    await operator.go("/operator");
    await page.locator(`a[href$="/operator/keys/${key.id}"]`, { hasText: `Busy neighbours${how} · Too loud` }).click();
    await page.getByRole("button", { name: "Unblock key" }).click();
    await operator.says(/The key is no longer blocked/);
    assert.deepEqual([(await now()).blocked, (await now()).status], [null, "active"]);
    await answers(key.secret, 200);
    for (const one of [operator, owner]) await one.end();
  });
}
