/** The reference's single precision as a yardstick: as far from double precision as PyTorch's own single precision is. */
import { expect, test } from "vitest";
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import { golden, goldenProgram, goldenYardsticks } from "../support/goldens.ts";

test("gradients in single precision err as PyTorch's do", async () => {
  const [inputs, weights, gradients] = await Promise.all([golden("inputs"), golden("weights"), golden("gradients")]);
  const { train, variables } = goldenProgram();
  const start = new Map(
    variables.map(({ path, type }): [string, Fed] => {
      const shape = type.shape.map((size) => size.constant ?? NaN);
      const zeros = new Float64Array(shape.reduce((count, size) => count * size, 1)).fill(path === "steps_per_epoch" ? 1 : 0);
      return [path, weights.get(path) ?? { shape, data: zeros }];
    }),
  );
  const { outputs } = evaluate(train!, { precision: "f32", inputs, variables: start });

  const yardsticks = goldenYardsticks().gradients;
  const ratios = [...gradients].map(([path, { data: exact }]) => {
    const own = outputs.get(`grad.${path}`)!.data;
    let [difference, size] = [0, 0];
    exact.forEach((value, i) => {
      difference += (own[i]! - value) ** 2;
      size += value ** 2;
    });
    return { path, ratio: Math.sqrt(difference / size) / yardsticks[path]! };
  });
  expect(ratios).toHaveLength(gradients.size);
  // Above the largest that eight orders of summation gave PyTorch, but not by much; and no better than a tenth of it.
  expect(ratios.filter(({ ratio }) => ratio > 2)).toEqual([]);
  const median = ratios.map(({ ratio }) => ratio).sort((a, b) => a - b)[ratios.length >> 1]!;
  expect(median).toBeGreaterThan(0.1);
  expect(median).toBeLessThan(1);
});
