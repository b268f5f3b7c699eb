// SPDX-License-Identifier: BSD-2-Clause
// Opens a page at desktop and phone width, light and dark, and as print; prints one JSON object: for each view the errors of
// the page, what axe-core finds, whether it is wider than the screen, and where its screenshot is.
// node check.js BROWSER PAGE FOLDER [inaccessible]
"use strict";
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");
const modules = createRequire(path.join(process.cwd(), "package.json"));
const puppeteer = modules("puppeteer-core");
const axe = fs.readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

const [browserPath, pagePath, folder] = process.argv.slice(2);
const views = [];
for (const [size, width, height] of [["desktop", 1280, 900], ["phone", 360, 740]])
	for (const scheme of ["light", "dark"])
		views.push({ name: size + "-" + scheme, width, height, scheme, phone: size === "phone" });

async function look(browser, view) {
	const page = await browser.newPage();
	const errors = [];
	const asked = [];
	page.on("pageerror", (error) => errors.push(String(error)));
	page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
	page.on("request", (request) => asked.push(request.url()));
	await page.setViewport({ width: view.width, height: view.height, isMobile: view.phone });
	await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
	await page.goto("file://" + pagePath, { waitUntil: "load" });
	const shot = path.join(folder, view.name + ".png");
	await page.screenshot({ path: shot, fullPage: true });
	const facts = await page.evaluate(() => ({
		overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
		background: getComputedStyle(document.body).backgroundColor,
		messages: document.getElementById("messages").textContent,
	}));
	const loaded = asked.filter((url) => url !== "file://" + pagePath);
	// What is brought in now is the checker's, which the page's own policy would keep out.
	await page.setBypassCSP(true);
	await page.reload({ waitUntil: "load" });
	await page.evaluate(axe);
	const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
	await page.close();
	return { ...view, ...facts, errors, loaded, shot,
		violations: found.violations.map((one) => ({ id: one.id, impact: one.impact, nodes: one.nodes.slice(0, 3).map((node) => node.html) })) };
}

(async () => {
	const browser = await puppeteer.launch({ executablePath: browserPath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
	try {
		const seen = [];
		for (const view of views)
			seen.push(await look(browser, view));
		const page = await browser.newPage();
		await page.setJavaScriptEnabled(false);
		await page.goto("file://" + pagePath, { waitUntil: "load" });
		await page.pdf({ path: path.join(folder, "print.pdf"), format: "A4" });
		console.log(JSON.stringify({ views: seen, pdf: fs.statSync(path.join(folder, "print.pdf")).size }));
	} finally {
		await browser.close();
	}
})().catch((error) => { console.error(error); process.exit(1); });
