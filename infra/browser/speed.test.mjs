import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { context, launch, signIn } from "./browser.mjs";
import { stack } from "./stack.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// visit opens a URL with an empty cache and says what it cost.
async function visit(page, url, slow) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  session.on("Network.loadingFinished", (e) => { bytes += e.encodedDataLength; });
  if (slow) {
    await session.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 750e3 / 8 });
    await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  }
  await page.goto(url, { waitUntil: "networkidle" });
  const ready = await page.evaluate(() => {
    const [n] = performance.getEntriesByType("navigation");
    const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
    return Math.max(n.domContentLoadedEventEnd, paint);
  });
  await session.detach();
  return { bytes, ready };
}

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

for (const [name, slow, limit] of [["on this machine", false, 300], ["with a CPU 4 times slower, 1.6 Mb/s and 150 ms", true, 1000]]) {
  test(`a first visit is small and quick ${name}`, async () => {
    const { console_url: url, demo_account: account } = stack();
    for (const [what, path, signedIn] of [["the sign-in page", "/", false], ["the list of keys", `/accounts/${account}/keys`, true]]) {
      const times = [];
      let most = 0;
      for (let i = 0; i < 5; i++) {
        const c = await context(browser);
        const page = await c.newPage();
        if (signedIn) await signIn(page, "viewer");
        const { bytes, ready } = await visit(page, url + path, slow);
        times.push(ready);
        most = Math.max(most, bytes);
        await c.close();
      }
      console.log(`${what} ${name}: ${(most / 1000).toFixed(1)} kB, ready in ${median(times).toFixed(0)} ms (median of 5; slowest ${Math.max(...times).toFixed(0)} ms)`);
      assert.ok(most <= 60e3, `${what}: ${most} bytes`);
      assert.ok(median(times) <= limit, `${what}: ${times}`);
    }
  });
}
