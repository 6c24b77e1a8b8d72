/** A batch that all contenders of a bench read: noise, faces that are nearly upright, labels. */
import { writeSafetensors } from "../src/runtime/safetensors.ts";

/** Eyes, nose tip, mouth corners of an upright face. */
const FACE = [-0.36, -0.28, 0.36, -0.28, 0, 0.1, -0.3, 0.46, 0.3, 0.46];

export async function writeInputs(path: string, batch: number, side: number): Promise<void> {
  let state = 1;
  const random = (): number => {
    // Park and Miller's generator: enough for noise
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const image = Float32Array.from({ length: batch * 3 * side * side }, () => 4 * random() - 2);
  const landmarks = Float32Array.from({ length: batch * 10 }, (_, i) => (FACE[i % 10] ?? 0) + 0.04 * (random() - 0.5));
  const age = Int32Array.from({ length: batch }, () => Math.floor(101 * random()));
  const bytes = (data: Float32Array | Int32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  await writeSafetensors(path, [
    { name: "image", dtype: "f32", shape: [batch, 3, side, side], bytes: () => [bytes(image)] },
    { name: "landmarks", dtype: "f32", shape: [batch, 5, 2], bytes: () => [bytes(landmarks)] },
    { name: "age", dtype: "i32", shape: [batch], bytes: () => [bytes(age)] },
  ]);
}
