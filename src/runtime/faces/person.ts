/**
 * Who is drawn, and how old: the numbers a face is drawn from. A person keeps their identity over all their pictures;
 * age moves the proportions, the skin and the hair. Nothing is drawn here.
 */
import { Draws } from "../draws.ts";
import { mix, ramp, type Rgb } from "./canvas.ts";

export interface Person {
  readonly skin: Rgb;
  readonly hair: Rgb;
  readonly iris: Rgb;
  /** Factors around 1, and shares in 0 .. 1, that stay with the person. */
  readonly wide: number;
  readonly jaw: number;
  readonly eyeGap: number;
  readonly nose: number;
  readonly lips: number;
  readonly brows: number;
  readonly longHair: boolean;
  readonly beard: number;
  /** How early and how far the hairline goes back. */
  readonly balding: number;
  /** Years by which skin and hair are ahead of the calendar. */
  readonly ahead: number;
}

const SKINS: readonly Rgb[] = [
  [0.96, 0.82, 0.73],
  [0.91, 0.73, 0.61],
  [0.82, 0.62, 0.48],
  [0.66, 0.46, 0.34],
  [0.47, 0.32, 0.24],
];
const HAIRS: readonly Rgb[] = [
  [0.09, 0.07, 0.06],
  [0.22, 0.14, 0.09],
  [0.38, 0.24, 0.13],
  [0.62, 0.46, 0.26],
  [0.45, 0.2, 0.1],
];
const IRISES: readonly Rgb[] = [
  [0.24, 0.15, 0.09],
  [0.33, 0.4, 0.28],
  [0.3, 0.45, 0.6],
];

export function person(seed: number, subject: number): Person {
  const draws = new Draws(seed, "subject", subject);
  const pick = (list: readonly Rgb[]): Rgb => list[draws.below(list.length)] as Rgb;
  const near = (spread: number): number => 1 + spread * Math.max(-2, Math.min(2, draws.normal()));
  const skin = mix(pick(SKINS), pick(SKINS), draws.uniform(0, 0.4));
  const longHair = draws.chance(0.45);
  return {
    skin,
    hair: pick(HAIRS),
    iris: pick(IRISES),
    wide: near(0.035),
    jaw: near(0.06),
    eyeGap: near(0.03),
    nose: near(0.07),
    lips: near(0.12),
    brows: near(0.2),
    longHair,
    beard: !longHair && draws.chance(0.35) ? draws.uniform(0.4, 1) : 0,
    balding: longHair ? draws.uniform(0, 0.25) : draws.uniform(0.1, 1),
    ahead: Math.max(-5, Math.min(5, draws.normal(0, 2))),
  };
}

/** A face as it is drawn, in units in which an adult's eyes stand at y = -0.28 and the mouth at y = 0.46. */
export interface Face {
  readonly person: Person;
  /** 1 for a baby, 0 from about 17. */
  readonly child: number;
  /** 0 until about 25, 1 at 90. */
  readonly old: number;
  readonly grey: number;
  readonly eyeX: number;
  readonly eyeY: number;
  readonly eyeSize: number;
  readonly noseY: number;
  readonly noseWidth: number;
  readonly mouthX: number;
  readonly mouthY: number;
  readonly lipHeight: number;
  /** Half the width of the head, and its ends. */
  readonly width: number;
  readonly top: number;
  readonly chin: number;
  /** Above 1 for a square jaw, below for a pointed one. */
  readonly jaw: number;
  /** The y of the hair's edge over the nose, and how far it goes back at the temples. */
  readonly hairline: number;
  readonly temples: number;
  /** How much hair there is, 0 .. 1. */
  readonly hairCover: number;
}

export function face(who: Person, age: number): Face {
  const child = 1 - ramp(age, 1, 17);
  const felt = Math.max(0, age + who.ahead * ramp(age, 15, 35));
  const old = ramp(felt, 22, 92);
  const balding = who.balding * ramp(felt, 25, 75);
  const top = -1.12 - 0.1 * child;
  return {
    person: who,
    child,
    old,
    grey: ramp(felt, 34, 74),
    eyeX: (0.36 + 0.045 * child) * who.eyeGap,
    eyeY: -0.28 + 0.07 * child,
    eyeSize: 1 + 0.32 * child - 0.22 * old,
    noseY: 0.1 + 0.02 * old,
    noseWidth: (0.135 + 0.03 * old - 0.02 * child) * who.nose,
    mouthX: (0.3 - 0.045 * child) * (1 + 0.5 * (who.lips - 1)),
    mouthY: 0.46 - 0.07 * child,
    lipHeight: (0.062 - 0.034 * old + 0.008 * child) * who.lips,
    width: (0.78 + 0.06 * child) * who.wide,
    top,
    chin: 0.98 - 0.2 * child + 0.03 * old,
    jaw: who.jaw * (1 + 0.18 * child + 0.16 * old),
    hairline: -0.74 - 0.06 * child - 0.34 * balding,
    temples: 0.1 + 0.4 * balding,
    hairCover: ramp(age, -0.8, 2.5) * (1 - 0.75 * ramp(balding, 0.55, 1)),
  };
}
