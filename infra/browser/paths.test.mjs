// A product comes to cover more paths: they stay shut until an owner accepts them, for all keys of the account.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, api, joins, keyOf, launch, unagreed, visit, ways } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const [how, options] of ways) {
  test(`a product's new paths are refused, shown to a developer, accepted by an owner, and then open${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "Wider" });
    await joins(account, "developer");
    const [key, other] = [await keyOf(account, { name: "Depot map" }), await keyOf(account, { name: "Yard map" })];
    for (const one of [key, other]) await unagreed(one.id, "map-display");
    const here = `/accounts/${account}/keys/${key.id}`, pending = async () => (await api("owner", "GET", `/v1${here}`)).pending_paths;
    await answers(key.secret, 403);
    const developer = await visit(browser, "developer", here, options), owner = await visit(browser, "owner", `/accounts/${account}/keys/findings`, options);
    await developer.says(/Map Display API now covers a path[\s\S]*\/map\/[\s\S]*An owner can accept them/);
    assert.equal(await developer.page.getByRole("link", { name: /Accept/ }).count(), 0);
    const [{ paths, version }] = await pending();
    assert.deepEqual([paths, typeof version], [["/map/"], "string"]);

    const { page } = owner;
    await page.getByRole("link", { name: "Show paths Depot map" }).click();
    await page.getByRole("link", { name: "Accept the new paths of Map Display API" }).click();
    await owner.says(/It now also covers:\s+\/map\/\s+All keys of this account/);
    await page.getByRole("button", { name: "Accept for all keys" }).click();
    await owner.says(/The new paths are accepted\. This takes effect within 10 seconds/);
    assert.deepEqual(await pending(), []);
    for (const one of [key, other]) await answers(one.secret, 200);
    await owner.go(`/accounts/${account}/keys/findings`);
    assert.equal(await page.getByText("New paths to accept").count(), 0);
    const { rows } = await api("owner", "GET", `/v1/accounts/${account}/audit?action=account.accept`);
    assert.equal(rows.length, 1);
    for (const one of [developer, owner]) await one.end();
  });
}
