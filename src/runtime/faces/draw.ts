/**
 * Draws one face, back to front: background, shoulders, hair behind, head with light and skin, wrinkles, features, hair
 * in front. Every age cue is here and in `person.ts`; a face's landmarks come out of the same numbers it is drawn from.
 */
import type { Draws } from "../draws.ts";
import { arc, Canvas, ellipseDistance, mix, noise, type Pose, project, ramp, type Rgb, shade } from "./canvas.ts";
import type { Face } from "./person.ts";

/** Left eye, right eye, nose tip, left and right mouth corner, as the image shows them; in pixels. */
export type Landmarks = readonly [
  readonly [number, number],
  readonly [number, number],
  readonly [number, number],
  readonly [number, number],
  readonly [number, number],
];

export interface Picture {
  readonly pixels: Uint8Array;
  readonly landmarks: Landmarks;
}

/** How far the nose's tip stands before the face around it. */
const NOSE_DEPTH = 0.16;

export function drawFace(size: number, pose: Pose, of: Face, draws: Draws): Picture {
  const canvas = new Canvas(size, pose);
  const salt = draws.below(1 << 20);
  const light = draws.uniform(-0.8, 0.8);
  const smile = draws.uniform(-0.02, 0.06);
  const noseX = (NOSE_DEPTH * Math.sin(pose.yaw)) / Math.cos(pose.yaw);
  const grey: Rgb = [0.8, 0.79, 0.78];
  const hair = mix(of.person.hair, grey, of.grey);
  const skin = mix(of.person.skin, [0.86, 0.76, 0.7], 0.12 * of.old);

  background(canvas, draws, salt);
  if (of.person.longHair && of.hairCover > 0.95) behind(canvas, of, shade(hair, 0.7));
  shoulders(canvas, of, draws, skin);
  head(canvas, of, skin, light, salt);
  wrinkles(canvas, of, skin, draws);
  if (of.person.beard > 0) beard(canvas, of, hair, salt);
  eyes(canvas, of, skin, hair);
  noseOf(canvas, of, skin, noseX, light);
  mouth(canvas, of, skin, smile);
  hairInFront(canvas, of, hair, salt);
  grain(canvas, draws);

  const corner = of.mouthY - smile;
  const landmarks: Landmarks = [
    project(pose, -of.eyeX, of.eyeY),
    project(pose, of.eyeX, of.eyeY),
    project(pose, noseX, of.noseY),
    project(pose, -of.mouthX, corner),
    project(pose, of.mouthX, corner),
  ];
  return { pixels: canvas.bytes(), landmarks };
}

function background(canvas: Canvas, draws: Draws, salt: number): void {
  const color = (): Rgb => [draws.uniform(0.15, 0.85), draws.uniform(0.15, 0.85), draws.uniform(0.15, 0.85)];
  const [a, b] = [color(), color()];
  const { size, pixels } = canvas;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const blob = 0.5 + 0.5 * noise((column * 3) / size, (row * 3) / size, salt);
      pixels.set(mix(a, b, blob), (row * size + column) * 3);
    }
  }
}

function shoulders(canvas: Canvas, of: Face, draws: Draws, skin: Rgb): void {
  const cloth: Rgb = [draws.uniform(0.1, 0.8), draws.uniform(0.1, 0.8), draws.uniform(0.1, 0.8)];
  const neck = of.width * (0.55 - 0.1 * of.child);
  const box = { left: -neck, right: neck, top: of.chin - 0.4, bottom: 1.7 };
  canvas.fill(box, (x) => Math.abs(x) - neck, shade(skin, 0.72));
  canvas.ellipse(0, 2.15, 1.45 - 0.3 * of.child, 0.9, cloth);
}

function behind(canvas: Canvas, of: Face, hair: Rgb): void {
  const w = of.width + 0.2;
  canvas.ellipse(0, -0.1, w, 1.15, hair);
  canvas.fill(
    { left: -w, right: w, top: 0, bottom: 1.35 },
    (x, y) => Math.max(Math.abs(x) - w, y - 1.3 + 0.2 * x * x),
    hair,
  );
}

/** Negative inside the head: half an ellipse above the eyes, a jaw below them. */
function headDistance(of: Face, x: number, y: number, grow = 0): number {
  const middle = -0.2;
  const w = of.width + grow;
  // Far outside nothing is drawn; how far does not matter.
  if (Math.abs(x) > w + 0.2 || y > of.chin + grow + 0.2) return 1;
  if (y < middle) return ellipseDistance(x, y - middle, w, middle - of.top + grow);
  const t = (y - middle) / (of.chin + grow - middle);
  const power = 2.2 * of.jaw;
  const value = Math.abs(x / w) ** power + Math.abs(t) ** 2.3 - 1;
  const slopeX = (power * Math.abs(x / w) ** (power - 1)) / w;
  const slopeY = (2.3 * Math.abs(t) ** 1.3) / (of.chin + grow - middle);
  return value / Math.max(1, Math.hypot(slopeX, slopeY));
}

function head(canvas: Canvas, of: Face, skin: Rgb, light: number, salt: number): void {
  const { width: w, old } = of;
  for (const side of [-1, 1])
    canvas.ellipse(side * (w + 0.01), -0.06 + 0.02 * old, 0.09, 0.2 + 0.05 * old, shade(skin, 0.85));
  const box = { left: -w, right: w, top: of.top, bottom: of.chin };
  const rough = 0.015 + 0.06 * old;
  const paint = (x: number, y: number): Rgb => {
    const round = 1 - 0.22 * (x / w) ** 2 - 0.1 * Math.max(0, y) ** 2;
    const lit = 1 + 0.16 * light * (x / w);
    const fine = noise(x * 34, y * 34, salt) + 0.6 * noise(x * 75, y * 75, salt + 1);
    const coarse = noise(x * 6, y * 6, salt + 2);
    const rosy = 0.14 * of.child * Math.exp(-(((Math.abs(x) - 0.45) / 0.2) ** 2) - ((y - 0.22) / 0.18) ** 2);
    const base = mix(skin, [0.9, 0.45, 0.42], rosy);
    return shade(base, round * lit * (1 + rough * fine + 0.03 * coarse));
  };
  canvas.fill(box, (x, y) => headDistance(of, x, y), paint);
  // Age spots.
  const spots = Math.round(14 * ramp(old, 0.4, 1));
  for (let i = 0; i < spots; i += 1) {
    const x = noise(i * 7.3, 1.7, salt + 3) * 1.3 * w;
    const y = -0.3 + noise(2.9, i * 5.1, salt + 4) * 0.9;
    if (headDistance(of, x, y) < -0.12) canvas.ellipse(x, y, 0.025, 0.02, shade(skin, 0.62), 0.5, 0.02);
  }
}

function wrinkles(canvas: Canvas, of: Face, skin: Rgb, draws: Draws): void {
  const dark = shade(skin, 0.45);
  const { old } = of;
  const wobble = (): number => draws.uniform(-0.015, 0.015);
  const line = (a: [number, number], b: [number, number], bend: number, width: number, strength: number): void => {
    if (strength > 0.02) canvas.line(arc(a, b, bend), width, dark, Math.min(0.85, strength));
  };
  // Forehead: one more line every dozen years.
  for (let i = 0; i < 5; i += 1) {
    const y = -0.58 - 0.085 * i + wobble();
    line(
      [-0.42 + 0.03 * i, y],
      [0.42 - 0.03 * i, y + wobble()],
      -0.03,
      0.011,
      0.75 * ramp(old, 0.08 + 0.11 * i, 0.4 + 0.14 * i),
    );
  }
  for (const side of [-1, 1]) {
    const at = (x: number, y: number): [number, number] => [side * x, y];
    // Crow's feet.
    for (let i = 0; i < 4; i += 1) {
      const angle = (i - 1.5) * 0.36;
      const from = of.eyeX + 0.16;
      line(
        at(from, of.eyeY + 0.05 * (i - 1.5)),
        at(from + 0.17 * Math.cos(angle), of.eyeY + 0.06 * (i - 1.5) + 0.17 * Math.sin(angle)),
        wobble(),
        0.009,
        0.8 * ramp(old, 0.1 + 0.05 * i, 0.55 + 0.1 * i),
      );
    }
    // Under the eyes.
    line(
      at(of.eyeX - 0.13, of.eyeY + 0.13),
      at(of.eyeX + 0.13, of.eyeY + 0.12),
      0.05,
      0.016,
      0.7 * ramp(old, 0.12, 0.8),
    );
    line(at(of.eyeX - 0.1, of.eyeY + 0.2), at(of.eyeX + 0.15, of.eyeY + 0.17), 0.05, 0.012, 0.55 * ramp(old, 0.4, 1));
    // From the nose to the mouth's corner and on to the jaw.
    line(
      at(0.17, of.noseY + 0.02),
      at(of.mouthX + 0.08, of.mouthY - 0.02),
      -0.035,
      0.016,
      0.85 * ramp(old, 0.05, 0.65),
    );
    line(
      at(of.mouthX + 0.03, of.mouthY + 0.04),
      at(of.mouthX + 0.07, of.mouthY + 0.26),
      0,
      0.014,
      0.7 * ramp(old, 0.3, 0.9),
    );
    line(at(0.05, of.eyeY - 0.2), at(0.045, of.eyeY - 0.05), 0, 0.01, 0.7 * ramp(old, 0.2, 0.7));
    // Small upright lines over the lip.
    for (let i = 1; i <= 3; i += 1)
      line(at(0.055 * i, of.mouthY - 0.11), at(0.05 * i, of.mouthY - 0.05), 0, 0.006, 0.7 * ramp(old, 0.5, 0.95));
    // The cheeks sink.
    canvas.ellipse(side * 0.5, 0.3, 0.12, 0.2, shade(skin, 0.6), 0.4 * ramp(old, 0.35, 1), 0.18);
  }
}

function beard(canvas: Canvas, of: Face, hair: Rgb, salt: number): void {
  const grown = of.person.beard * ramp(1 - of.child, 0.9, 1);
  if (grown === 0) return;
  const box = { left: -of.width, right: of.width, top: 0.2, bottom: of.chin };
  canvas.each(box, (x, y, at) => {
    const inside = headDistance(of, x, y);
    if (inside > 0) return;
    const edge = 0.62 - 0.55 * Math.abs(x / of.width) ** 2;
    const lip = y > of.mouthY - 0.17 && y < of.mouthY - 0.04 && Math.abs(x) < of.mouthX ? 1 : 0;
    const cover = Math.max(ramp(y, edge, edge + 0.12), lip) * ramp(-inside, 0, 0.05);
    canvas.blend(at, hair, grown * cover * (0.5 + 0.35 * noise(x * 60, y * 30, salt + 9)));
  });
}

function eyes(canvas: Canvas, of: Face, skin: Rgb, hair: Rgb): void {
  const { eyeX, eyeY, eyeSize: s, old } = of;
  for (const side of [-1, 1]) {
    const x = side * eyeX;
    const [rx, ry] = [0.125 * Math.sqrt(s), 0.062 * s];
    canvas.ellipse(x, eyeY, rx * 1.35, ry * 1.9, shade(skin, 0.75), 0.5, 0.08);
    canvas.ellipse(x, eyeY, rx, ry, mix([0.97, 0.97, 0.97], [0.9, 0.84, 0.74], old));
    const ball = Math.min(ry * 0.98, 0.066);
    canvas.ellipse(x, eyeY, ball, ball, of.person.iris);
    canvas.ellipse(x, eyeY, ball * 0.45, ball * 0.45, [0.03, 0.03, 0.03]);
    canvas.ellipse(x + 0.02, eyeY - 0.02, 0.012, 0.012, [1, 1, 1]);
    // The upper lid sinks with age.
    const droop = 0.03 * old;
    canvas.line(
      arc([x - rx, eyeY + (side < 0 ? droop : 0)], [x + rx, eyeY + (side < 0 ? 0 : droop)], -ry * 0.95),
      0.016,
      shade(skin, 0.3),
      0.9,
      false,
    );
    canvas.line(arc([x - rx, eyeY], [x + rx, eyeY], ry * 0.9), 0.008, shade(skin, 0.45), 0.6);
    canvas.line(
      arc([x - rx, eyeY - 0.05], [x + rx, eyeY - 0.05], -ry * 0.9),
      0.012,
      shade(skin, 0.55),
      0.35 + 0.35 * old,
    );
    const brow = eyeY - 0.17 - 0.02 * of.child + 0.02 * old;
    const strength = (0.75 - 0.45 * of.child - 0.2 * old) * Math.min(1.2, of.person.brows);
    canvas.line(
      arc([x - side * 0.15, brow + 0.02], [x + side * 0.17, brow + 0.025], -0.05),
      0.026,
      shade(hair, 0.75),
      strength,
    );
  }
}

function noseOf(canvas: Canvas, of: Face, skin: Rgb, noseX: number, light: number): void {
  const { noseY, noseWidth: w, eyeY } = of;
  const dark = shade(skin, 0.55);
  const shadowSide = light > 0 ? -1 : 1;
  const bridge = 0.35 * (1 - 0.6 * of.child);
  canvas.line(
    arc([shadowSide * 0.07, eyeY + 0.06], [noseX + shadowSide * w * 0.8, noseY], 0),
    0.03,
    dark,
    bridge,
    false,
  );
  canvas.ellipse(noseX, noseY, w * 0.75, w * 0.6, shade(skin, 1.1), 0.55, 0.07);
  for (const side of [-1, 1]) {
    canvas.ellipse(noseX + side * w * 0.45, noseY + 0.07, 0.035, 0.018, shade(skin, 0.28), 0.85, 0.015);
    canvas.line(
      arc([noseX + side * w * 0.9, noseY - 0.03], [noseX + side * w * 0.85, noseY + 0.07], 0.02),
      0.014,
      dark,
      0.6,
    );
  }
}

function mouth(canvas: Canvas, of: Face, skin: Rgb, smile: number): void {
  const { mouthX, mouthY, lipHeight: h } = of;
  const lip = mix(shade(skin, 0.8), [0.75, 0.28, 0.28], 0.55 - 0.3 * of.old);
  const middle = (x: number): number => mouthY - smile * (x / mouthX) ** 2;
  const box = { left: -mouthX, right: mouthX, top: mouthY - 0.15, bottom: mouthY + 0.15 };
  const lips = (x: number, y: number): number => {
    const t = Math.min(1, Math.abs(x / mouthX));
    const open = Math.sqrt(1 - t * t);
    const away = y - middle(x);
    return away < 0 ? -away - h * open * (0.8 + 0.2 * Math.cos(8 * t)) : away - h * 1.25 * open;
  };
  canvas.fill(box, (x, y) => Math.max(lips(x, y), Math.abs(x) - mouthX), lip, 0.9);
  canvas.line(arc([-mouthX, middle(mouthX)], [mouthX, middle(mouthX)], smile), 0.011, shade(skin, 0.25), 0.85, false);
  canvas.line(arc([-0.1, mouthY + 0.19], [0.1, mouthY + 0.19], -0.02), 0.02, shade(skin, 0.7), 0.4);
}

function hairInFront(canvas: Canvas, of: Face, hair: Rgb, salt: number): void {
  const grow = 0.08 + 0.04 * (1 - of.old);
  const w = of.width + grow;
  const box = { left: -w, right: w, top: of.top - grow, bottom: 0.3 };
  const soft = 2 / 120;
  canvas.each(box, (x, y, at) => {
    const outside = headDistance(of, x, y, grow);
    const t = Math.abs(x) / of.width;
    // The edge of the hair: level over the forehead, back at the temples, down before the ears.
    const edge =
      t < 0.72 ? of.hairline - of.temples * t * t * (1 - ramp(t, 0.5, 0.72)) : of.hairline + (t - 0.72) * 3.2;
    const strand = noise(x * 42 + 3 * y, y * 7, salt + 5);
    const cover = ramp(-outside, -soft, soft) * ramp(edge + 0.03 * strand - y, -0.03, 0.03);
    if (cover <= 0) return;
    const thin = Math.min(1, of.hairCover * (1.15 + 0.5 * strand * (1 - of.hairCover)));
    canvas.blend(at, shade(hair, 0.85 + 0.22 * strand), cover * Math.max(0, thin));
  });
}

function grain(canvas: Canvas, draws: Draws): void {
  const { pixels } = canvas;
  const amount = draws.uniform(0.004, 0.02);
  const bright = draws.uniform(0.85, 1.1);
  for (let i = 0; i < pixels.length; i += 1)
    pixels[i] = (pixels[i] as number) * bright + amount * draws.uniform(-1.7, 1.7);
}
