// Daily caps of a key, and quotas of an account: set, refused, shown to its people, obeyed by the gate, and lifted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, api, keyOf, launch, tile, visit, ways } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// spend makes calls until one is refused by a quota, and returns how many were allowed.
async function spend(secret, most) {
  for (let allowed = 0; allowed <= most; allowed++) {
    const answer = await tile(secret);
    if (answer.status === 200) continue;
    assert.deepEqual([answer.status, (await answer.json()).code], [429, "quota_exceeded"]);
    return allowed;
  }
  return assert.fail(`more than ${most} calls were allowed`);
}

for (const [how, options] of ways) {
  test(`a key's daily cap is set, refuses what is beyond it, is shown with what is used, and lifted${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "With caps" });
    const key = await keyOf(account, { name: "Capped" }), here = `/accounts/${account}/keys/${key.id}`;
    const { c, page, go, says, end } = await visit(browser, "owner", here, options);
    c.expect(422);
    const cap = async () => (await api("owner", "GET", `/v1${here}`)).quotas;
    const set = async (day, answer) => {
      await go(here);
      await page.locator("#caps").getByRole("link", { name: "Change the daily cap: Map tiles" }).click();
      await page.getByLabel(/Requests per day/).fill(day);
      await page.getByRole("button", { name: "Change", exact: true }).click();
      await says(answer);
    };
    await set("0", /Enter 1 or more/);
    assert.deepEqual(await cap(), []);
    await set("3", /The daily cap was changed\. It takes effect within 10 seconds/);
    await says(/Daily cap[\s\S]*Map tiles\s+3 Change…\s+\d+ used today/);
    assert.deepEqual(await cap(), [{ group: "tiles", day: 3 }]);
    await set("3", /The daily cap is unchanged/);
    await answers(key.secret, 429); // from when on the cap is obeyed it has no call left, whatever was called before
    assert.equal((await (await tile(key.secret)).json()).code, "quota_exceeded");
    await set("", /The daily cap was changed/);
    assert.deepEqual(await cap(), []);
    await answers(key.secret, 200);
    await end();
  });

  test(`an account's quota is set by an operator, refuses what is beyond it, is shown to its members, and lifted${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "With quotas" });
    const operator = await visit(browser, "operator", `/operator/accounts/${account}/limits`, options);
    operator.c.expect(422);
    const { page } = operator, row = page.getByRole("table", { name: "Quotas of this account" }).getByRole("row", { name: /Map tiles.*Freemium/ });
    const set = async (day, month, answer) => {
      await row.getByLabel("Map tiles, Freemium: requests a day").fill(day);
      await row.getByLabel("Map tiles, Freemium: requests a month").fill(month);
      await row.getByRole("button", { name: /Set/ }).click();
      await operator.says(answer);
    };
    const quota = async () => (await api("operator", "GET", `/v1/accounts/${account}`)).quotas;
    await set("0", "", /Enter 1 or more/);
    assert.deepEqual(await quota(), []);
    await set("4", "4000", /The quota was set\. It takes effect within 10 seconds/);
    assert.deepEqual(await quota(), [{ billing_type: "freemium", group: "tiles", day: 4, month: 4000 }]);
    const keys = [await keyOf(account, { name: "First" }), await keyOf(account, { name: "Second" })]; // made under the quota, and bound by it together
    await answers(keys[0].secret, 429, 20);
    assert.equal((await tile(keys[1].secret)).status, 429);

    const owner = await visit(browser, "owner", `/accounts/${account}/account/details`, options);
    await owner.says(/Quotas[\s\S]*Map tiles\s+Freemium\s+Day\s+\d+\s+[\d–]+[\s\S]*4\s+for this account[\s\S]*Month[\s\S]*4,000\s+for this account/);
    await owner.go(`/accounts/${account}/keys/${keys[0].id}`);
    await owner.says(/Quotas shared by all keys of this billing type\s+Map tiles, per day\s+4/);
    await set("", "", /The quota was set/);
    assert.deepEqual(await quota(), []);
    await answers(keys[1].secret, 200);
    for (const one of [operator, owner]) await one.end();
  });
}
