/**
 * What can be wrong with a row's landmarks, in words: by themselves, for the alignment, and for the size of their picture.
 */
import { alignFace, apply, degenerate, type Point } from "./affine.ts";
import type { Size } from "./image.ts";
import type { Recipe } from "./recipe.ts";

/** A face of which eyes and mouth are nearer than this, in pixels, is in other units. */
const NEAREST = 2;
/** How far outside its picture a point may lie, in parts of the longer side: detectors place hidden points there. */
const MARGIN = 0.1;

export function faultOfFace(recipe: Recipe, points: readonly Point[], lip: Point | undefined): string | undefined {
  const about = `columns ${columnsOfPoints(recipe).join(", ")}`;
  if (points.length >= 3 && degenerate(points))
    return `${about}: the landmarks lie on one line, so no face can be aligned by them`;
  if (recipe.alignment === undefined) return undefined;
  const map = alignFace(recipe.alignment, points, lip);
  const { eyes, lip: mouth } = recipe.alignment;
  const apart = Math.hypot(eyes[0] - mouth[0], eyes[1] - mouth[1]);
  if (map === undefined || apart / Math.hypot(map.a, map.d) < NEAREST)
    return `${about}: the eyes and the mouth are less than ${NEAREST} pixels apart; points are in pixels of the picture`;
  const [left, right] = points.map((point) => apply(map, point)[0]);
  if (left !== undefined && right !== undefined && left > right)
    return `${about}: the first eye is to the right of the second; left and right are as the picture shows them`;
  return undefined;
}

export function faultOfSize(recipe: Recipe, points: readonly Point[], size: Size): string | undefined {
  const margin = MARGIN * Math.max(size.width, size.height);
  const wrong = points.findIndex(
    ([x, y]) => x < -margin || y < -margin || x > size.width - 1 + margin || y > size.height - 1 + margin,
  );
  const point = points[wrong];
  if (point === undefined) return undefined;
  const columns = columnsOfPoints(recipe).slice(2 * wrong, 2 * wrong + 2);
  return `columns ${columns.join(", ")}: (${point.join(", ")}) lies outside the picture, which is ${size.width} x ${size.height}`;
}

function columnsOfPoints(recipe: Recipe): readonly string[] {
  const from = recipe.fields.map((field) => field.from).find(({ kind }) => kind === "points");
  return from?.kind === "points" ? from.columns : [];
}
