// The demo page in a real browser: a drawn face and its landmarks, set by clicks, give the age that the reference gives for
// these very points, and the regions are shown.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rulesOf } from "../../src/compiler/compile.ts";
import { writePortable } from "../../src/runtime/artifact.ts";
import { FACE_SIZE, generateFaces, makeFace } from "../../src/runtime/faces/generate.ts";
import { openPictures, predictAll, type PredictRequest } from "../../src/runtime/predict.ts";
import { reference } from "../../src/runtime/run/reference.ts";
import { openWeights } from "../../src/runtime/weights.ts";
import { chromiumPath, openBrowser, serve } from "../support/browser.ts";
import { goldenPath, goldenProgram } from "../support/goldens.ts";
import { TestHost } from "../support/trees.ts";

const program = goldenProgram();
const rules = rulesOf(new TestHost("models/dhaa.arch"));
const SEED = 3;

let page: Page | undefined;
let [folder, address] = ["", ""];
const problems: string[] = [];
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  if (chromiumPath === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "archc-demo-"));
  closers.push(() => rm(folder, { recursive: true }));
  const weights = await openWeights(program, goldenPath("weights"));
  await writePortable(program, join(folder, "model"), { weights, rules });
  await weights.close();
  await generateFaces({ folder: join(folder, "faces"), count: 1, seed: SEED });
  // As it lies in the checkout, so that the page finds tfjs where it says.
  const site = await serve({
    examples: resolve("examples"),
    node_modules: resolve("node_modules"),
    model: join(folder, "model"),
  });
  closers.push(() => site.close());
  const browser = await openBrowser();
  closers.push(() => browser.close());
  page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  address = `${site.address}/examples/browser/index.html?model=/model&backend=`;
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** What the reference says of the picture with these points. */
async function expectedAge(picture: string, points: readonly (readonly number[])[]): Promise<number> {
  await writeFile(`${picture}.json`, JSON.stringify({ points }));
  const request: PredictRequest = {
    images: [picture],
    ...{ data: undefined, split: undefined, limit: undefined, batch: 1, skipBad: false },
    onSkipped: () => undefined,
    onDone: () => undefined,
    signal: new AbortController().signal,
  };
  const weights = await openWeights(program, goldenPath("weights"));
  const predictor = await reference("f64").open({ program, rules, weights, seed: 0 });
  const [made] = await predictAll(predictor, await openPictures(program, request), request);
  await predictor.close();
  await weights.close();
  return Number(made?.values["years"]);
}

describe.skipIf(chromiumPath === undefined)("the demo page", () => {
  test.each(["wasm", "webgl"])("gives the reference's age, on %s", async (backend) => {
    const tab = page!;
    await tab.goto(address + backend);
    await tab.waitForSelector("body[data-state=empty]");
    const picture = join(folder, "faces/images/00000.png");
    await tab.setInputFiles("#file", picture);
    await tab.waitForSelector("body[data-state=points]");
    expect(await tab.textContent("#prompt")).toBe("Click the left eye (1 of 5), as the picture shows it.");

    // One by keyboard, taken back; then all by clicks.
    await tab.keyboard.press("Shift+ArrowRight");
    await tab.keyboard.press("Enter");
    expect(await tab.textContent("#points .next")).toBe("right eye");
    await tab.click("#undo");
    expect(await tab.textContent("#points .next")).toBe("left eye");
    const box = (await tab.locator("#photo").boundingBox())!;
    for (const [x, y] of makeFace(SEED, 0).landmarks) {
      const scale = box.width / FACE_SIZE;
      await tab.mouse.click(box.x + (x + 0.5) * scale, box.y + (y + 0.5) * scale);
    }
    await tab.waitForSelector("body[data-state=done]");

    const set = await tab.evaluate<[number, number][]>(
      `[...document.querySelectorAll("#points .set")].map(({ dataset }) => [Number(dataset.x), Number(dataset.y)])`,
    );
    makeFace(SEED, 0).landmarks.forEach(([x, y], i) => {
      expect(Math.hypot((set[i]?.[0] ?? NaN) - x, (set[i]?.[1] ?? NaN) - y)).toBeLessThan(1);
    });
    const age = Number(await tab.locator("#result strong").getAttribute("data-value"));
    expect(age).toBeCloseTo(await expectedAge(picture, set), 3);
    expect(await tab.locator("#regions li").allTextContents()).toEqual(
      ["whole", "near", "close", "eye", "nose", "mouth"].map((name) => `face.${name}`),
    );
    expect(problems).toEqual([]);
  });
});
