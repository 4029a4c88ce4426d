// What an account asks of its keys, what its people should look at, and the acts that repair it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { aged, api, keyOf, launch, visit, ways } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const day = (ahead) => new Date(Date.now() + ahead * 86400e3).toISOString().slice(0, 10);

for (const [how, options] of ways) {
  test(`rules are set, bind what is created from then on, and name the keys that don't follow them${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "With rules" });
    await keyOf(account, { name: "From before", usage: "frontend" });
    const { c, page, go, says, end } = await visit(browser, "owner", `/accounts/${account}/account/details`, options);
    c.expect(422);
    const rules = async () => { const now = await api("owner", "GET", `/v1/accounts/${account}/policy`); return [now.frontend_restricted, now.max_lifetime_days]; };
    const save = async (days) => {
      await page.getByRole("checkbox", { name: "Front-end keys need a restriction" }).check();
      await page.getByLabel(/Maximum lifetime/).fill(days);
      await page.getByRole("button", { name: "Save" }).last().click();
    };
    await page.getByRole("link", { name: "Rules for keys" }).click();
    await save("9999");
    await says(/Enter 1 to 3,650 days/);
    assert.deepEqual(await rules(), [false, null]);
    await save("90");
    await says(/The rules apply to keys that are created or changed from now on/);
    assert.deepEqual(await rules(), [true, 90]);

    await go(`/accounts/${account}/keys/new`);
    await page.locator("#f-name").fill("Shop");
    await page.locator("input[name=usage][value=frontend]").check();
    await page.locator("input[name=products][value=map-display]").check();
    await page.getByRole("button", { name: "Create API key" }).click();
    await says(/Add a domain, a network or an app[\s\S]*Choose a date/);
    assert.equal((await api("owner", "GET", `/v1/accounts/${account}/keys`)).keys.length, 1);
    await page.locator("#f-domains").fill("shop.example");
    const more = page.locator("details.more:not([open]) summary");
    if (await more.count()) await more.click();
    await page.locator("#f-expires_at").fill(day(91));
    await page.getByRole("button", { name: "Create API key" }).click();
    await says(/Choose an earlier date/);
    await page.locator("#f-expires_at").fill(day(60));
    await page.getByRole("button", { name: "Create API key" }).click();
    assert.match(await page.locator("#secret").innerText(), /^ak_/);
    await go(`/accounts/${account}/keys/findings`);
    await says(/From before[\s\S]*Front-end key without a restriction[\s\S]*From before[\s\S]*Expires too late or never/);
    assert.equal(await page.getByRole("rowheader", { name: "Shop" }).count(), 0, "a key that follows them is none");
    await end();
  });

  test(`each finding leads to the act that repairs it, and is gone then${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "To be looked at" });
    const made = {};
    for (const [name, body] of [["Open", { usage: "frontend" }], ["Forgotten", {}], ["Overdue", {}]]) made[name] = await keyOf(account, { name, expires_at: `${day(300)}T00:00:00Z`, ...body });
    await api("owner", "PUT", `/v1/accounts/${account}/keys/${made.Overdue.id}/rotation-policy`, { every_days: 90 });
    for (const name of ["Forgotten", "Overdue"]) await aged(made[name].id, 100);
    const { page, go, says, end } = await visit(browser, "owner", `/accounts/${account}/keys/findings`, options);
    const codes = async () => (await api("owner", "GET", `/v1/accounts/${account}/findings`)).findings.filter((f) => f.act !== "set_expiry").map((f) => `${f.key.name}: ${f.code}`).sort();
    const act = async (name, link) => {
      await go(`/accounts/${account}/keys/findings`);
      await page.getByRole("link", { name: `${link} ${name}` }).first().click();
    };
    assert.deepEqual(await codes(), ["Forgotten: unused_90_days", "Open: unrestricted", "Overdue: rotation_overdue", "Overdue: unused_90_days"]);
    await says(/Open[\s\S]*Front-end key without a restriction[\s\S]*Overdue[\s\S]*Rotation overdue[\s\S]*Not used for 90 days/);

    await act("Open", "Restrict");
    await page.locator("#f-domains").fill("open.example");
    await page.getByRole("button", { name: "Save" }).click();
    await says(/open\.example is now allowed for this key\./);
    await act("Overdue", "Rotate…");
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    await page.locator("#secret").waitFor();
    await act("Forgotten", "Disable…");
    await page.getByRole("button", { name: "Disable", exact: true }).click();
    await says(/Disabled by your team/);
    await act("Forgotten", "Delete…"); // of a key that is disabled
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await says(/Deleted 1 key\./);
    await go(`/accounts/${account}/keys/findings`);
    await says(/Not used for 90 days/); // Overdue has been rotated, not called
    assert.deepEqual(await codes(), ["Overdue: unused_90_days"]);
    await end();
  });
}
