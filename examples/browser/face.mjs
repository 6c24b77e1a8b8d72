/**
 * From a picture and its points to what the network is fed, as the model's `data` section says it in model.json: the face
 * is aligned, sampled bilinearly and normalised. The same arithmetic as `archc predict`, so the numbers are the same.
 */

/** Affine maps are [a, b, c, d, e, f]: (x, y) to (a x + b y + c, d x + e y + f). */
export function apply([a, b, c, d, e, f], [x, y]) {
  return [a * x + b * y + c, d * x + e * y + f];
}
function compose([a, b, c, d, e, f], [p, q, r, s, t, u]) {
  return [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f];
}
export function invert([a, b, c, d, e, f]) {
  const det = a * e - b * d;
  const [p, q, s, t] = [e / det, -b / det, -d / det, a / det];
  return [p, q, -(p * c + q * f), s, t, -(s * c + t * f)];
}
/** Pixel centre i of n lies at (2 i + 1) / n - 1. */
function pixelsToUnit(width, height) {
  return [2 / width, 0, 1 / width - 1, 0, 2 / height, 1 / height - 1];
}

/** The rotation, scale and shift that takes the middle of the eyes and of the mouth to where the model wants them. */
function alignment({ eyes, lip }, points) {
  const middle = ([a, b], [c, d]) => [(a + c) / 2, (b + d) / 2];
  const [x, y] = middle(points[0], points[1]);
  const [u, v] = middle(points.at(-2), points.at(-1));
  const [px, py, qx, qy] = [u - x, v - y, lip[0] - eyes[0], lip[1] - eyes[1]];
  const length = px * px + py * py;
  const [re, im] = [(qx * px + qy * py) / length, (qy * px - qx * py) / length];
  return [re, -im, eyes[0] - re * x + im * y, im, re, eyes[1] - im * x - re * y];
}

/** The inputs that are a picture and its points, by what the `data` section says of them. */
export function inputsOf({ data, signatures }) {
  const named = (kind) => signatures.predict.inputs.find(({ name }) => data?.[name]?.kind === kind);
  const [image, points] = [named("image"), named("points")];
  if (!image || !points) throw new Error("This page is for models of a picture and points on it.");
  return { image: { name: image.name, ...data[image.name] }, points: { name: points.name, count: points.shape[1] } };
}

/** What to feed, and the map from the crop's [-1, 1] to pixels of the picture. `picture` is ImageData. */
export function prepare(description, picture, points) {
  const { image, points: landmarks } = inputsOf(description);
  const step = description.data.prepare?.find(({ kind }) => kind === "align_face");
  const toCrop = step ? alignment(step, points) : pixelsToUnit(picture.width, picture.height);
  const toPicture = invert(toCrop);
  const planes = sample(picture, compose(toPicture, pixelsToUnit(image.size, image.size)), image.size);
  const plane = image.size * image.size;
  const normalised = planes.map((value, i) => {
    const channel = Math.floor(i / plane);
    // A pixel is a byte, as in training.
    return (Math.round(value) / 255 - image.mean[channel]) / image.std[channel];
  });
  const feeds = { [image.name]: normalised, [landmarks.name]: points.flatMap((point) => apply(toCrop, point)) };
  return { feeds, landmarks: { [landmarks.name]: feeds[landmarks.name] }, toPicture };
}

/** Planes R, G, B of size x size samples, 0 to 255; black outside. Blocks of pixels are averaged where the crop is coarse. */
function sample(picture, map, size) {
  const [a, b, c, d, e, f] = map;
  const coarse = Math.floor(Math.sqrt(Math.abs(a * e - b * d)));
  if (coarse >= 2) {
    const half = (coarse - 1) / 2;
    const small = [a, b, c - half, d, e, f - half].map((number) => number / coarse);
    return sample(shrink(picture, coarse), small, size);
  }
  const { width, height, data } = picture;
  const plane = size * size;
  const out = new Float32Array(3 * plane);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [x, y] = apply(map, [column, row]);
      const [left, top] = [Math.floor(x), Math.floor(y)];
      for (const [cx, cy] of [
        [left, top],
        [left + 1, top],
        [left, top + 1],
        [left + 1, top + 1],
      ]) {
        if (cx < 0 || cy < 0 || cx >= width || cy >= height) continue;
        const weight = (1 - Math.abs(x - cx)) * (1 - Math.abs(y - cy));
        const at = row * size + column;
        for (let channel = 0; channel < 3; channel++)
          out[channel * plane + at] += weight * data[4 * (cy * width + cx) + channel];
      }
    }
  }
  return out;
}
function shrink({ width, height, data }, by) {
  const [w, h] = [Math.max(1, Math.floor(width / by)), Math.max(1, Math.floor(height / by))];
  const [bw, bh] = [Math.min(by, width), Math.min(by, height)];
  const small = new ImageData(w, h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let j = 0; j < bh; j++)
          for (let i = 0; i < bw; i++) sum += data[4 * ((y * by + j) * width + x * by + i) + channel];
        small.data[4 * (y * w + x) + channel] = Math.round(sum / (bw * bh));
      }
    }
  }
  return small;
}
