// The domains of an account: added to its keys, put in the place of another one, and taken from them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, api, keyOf, launch, visit, ways } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const [how, options] of ways) {
  test(`a domain is added to keys, replaced in all of them, and removed${how}`, async () => {
    const { id: account } = await api("owner", "POST", "/v1/accounts", { name: "Domains" });
    const made = await Promise.all(["One", "Two", "Three"].map((name) => keyOf(account, { name, usage: "frontend", domains: ["first.example"] })));
    const { c, page, go, says, end } = await visit(browser, "owner", `/accounts/${account}/domains`, options);
    c.expect(422);
    const domains = async () => Object.fromEntries((await api("owner", "GET", `/v1/accounts/${account}/domains`)).domains.map((d) => [d.domain, d.keys.map((k) => k.name).sort().join()]));
    const add = () => page.getByRole("button", { name: "Add to selected keys" }).click();
    await page.getByRole("link", { name: "Add domain" }).click();
    await page.getByLabel("Domain", { exact: true }).fill("*.com");
    await page.getByRole("checkbox", { name: "One" }).check();
    await add();
    await page.getByRole("alert").waitFor();
    assert.ok(await page.getByRole("checkbox", { name: "One" }).isChecked(), "what was chosen stays");
    await page.getByLabel("Domain", { exact: true }).fill("www.second.example");
    await page.getByRole("checkbox", { name: "Two" }).check();
    await add();
    await says(/Added the domain www\.second\.example to 2 keys/);
    assert.deepEqual(await domains(), { "first.example": "One,Three,Two", "www.second.example": "One,Two" });
    await answers(made[0].secret, 200, 12, { Origin: "https://www.second.example" });

    await page.getByRole("checkbox", { name: "Three" }).check();
    await add();
    await says(/Added the domain www\.second\.example to 1 key/);
    await page.getByLabel("New domain").fill("https://third.example/path");
    await page.getByRole("button", { name: "Replace", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("New domain").fill("third.example");
    await page.getByRole("button", { name: "Replace", exact: true }).click();
    await says(/Replaced with third\.example in 3 keys/);
    assert.deepEqual(await domains(), { "first.example": "One,Three,Two", "third.example": "One,Three,Two" });

    await page.getByRole("button", { name: "Remove from selected keys" }).click();
    await says(/Select at least one key/);
    await page.getByRole("checkbox", { name: "All 3 keys" }).first().check();
    await page.getByRole("button", { name: "Remove from selected keys" }).click();
    await says(/Removed the domain third\.example from 3 keys/);
    await go(`/accounts/${account}/domains`);
    await says(/first\.example/);
    assert.deepEqual([await page.getByText("third.example").count(), await domains()], [0, { "first.example": "One,Three,Two" }]);
    await answers(made[0].secret, 403, 12, { Origin: "https://www.second.example" });
    await end();
  });
}
