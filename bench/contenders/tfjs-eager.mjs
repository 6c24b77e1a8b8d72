// ResNet-18's training step by hand in eager tfjs on the addon that archc builds, as a contender of a bench.
//   node bench/contenders/tfjs-eager.mjs INPUTS.safetensors tfjs|tfjs_fused
// `tfjs` uses public operators alone (moments and batchNorm). `tfjs_fused` calls TensorFlow's own kernel of batch norm and of
// its gradient through the backend, which is the best that a user can do who knows the addon's sources. Padding is `same`, or
// pad and `valid`: explicit padding has no gradient in tfjs, and no fast kernel in TensorFlow. Nesterov momentum and decay in place.
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serve, tensorsOf } from "./steps.mjs";

const [inputs = "", form = "tfjs"] = process.argv.slice(2);
const root = resolve(fileURLToPath(import.meta.url), "../../..");
const { loadTensorflow } = await import(pathToFileURL(join(root, "dist/engine.mjs")).href);
const { tf } = loadTensorflow();
const [RATE, MOMENTUM, DECAY, EPSILON, CLASSES] = [0.01, 0.9, 5e-4, 1e-5, 101];

const weights = [];
const weight = (tensor) => {
  const variable = tf.variable(tensor);
  weights.push({ variable, velocity: tf.variable(tf.zerosLike(tensor), false) });
  return variable;
};
const convolution = (inputs, outputs, size, stride) => {
  const filter = weight(tf.randomNormal([size, size, inputs, outputs], 0, Math.sqrt(2 / (size * size * outputs))));
  const pad = [size >> 1, size >> 1];
  return (x) => {
    if (stride === 1) return tf.conv2d(x, filter, 1, "same");
    return tf.conv2d(size === 1 ? x : tf.pad(x, [[0, 0], pad, pad, [0, 0]]), filter, stride, "valid");
  };
};
const norm = (channels) => {
  const [scale, offset] = [weight(tf.ones([channels])), weight(tf.zeros([channels]))];
  const running = { mean: tf.variable(tf.zeros([channels]), false), variance: tf.variable(tf.ones([channels]), false) };
  return (x) => {
    const { y, mean, variance } = form === "tfjs_fused" ? fused(x, scale, offset) : plain(x, scale, offset);
    // TensorFlow's own kernel gives the unbiased variance
    const count = form === "tfjs_fused" ? Infinity : x.size / channels;
    running.mean.assign(running.mean.mul(0.9).add(mean.mul(0.1)));
    running.variance.assign(running.variance.mul(0.9).add(variance.mul(0.1 / (1 - 1 / count))));
    tf.dispose([mean, variance]);
    return y;
  };
};
const plain = (x, scale, offset) => {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  return { y: tf.batchNorm(x, mean, variance, offset, scale, EPSILON), mean, variance };
};
const fused = (x, scale, offset) => {
  const backend = tf.backend();
  const { TF_ATTR_FLOAT, TF_ATTR_STRING, TF_ATTR_BOOL, TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  const attributes = [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "U", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "epsilon", type: TF_ATTR_FLOAT, value: EPSILON },
    { name: "data_format", type: TF_ATTR_STRING, value: "NHWC" },
    { name: "is_training", type: TF_ATTR_BOOL, value: true },
  ];
  const run = (name, values, outputs) => backend.executeMultipleOutputs(name, attributes, values, outputs);
  const empty = tf.tensor1d([]);
  const statistics = {};
  const y = tf.customGrad((x, scale, offset, save) => {
    const [y, mean, variance, ...kept] = run("FusedBatchNormV3", [x, scale, offset, empty, empty], 6);
    Object.assign(statistics, { mean: tf.keep(mean), variance: tf.keep(variance) });
    save([x, scale, ...kept]);
    return {
      value: y,
      gradFunc: (dy, [x, scale, ...kept]) => run("FusedBatchNormGradV3", [dy, x, scale, ...kept], 5).slice(0, 3),
    };
  })(x, scale, offset);
  return { y, ...statistics };
};

const unit = (inputs, outputs, stride) => {
  const [conv1, bn1] = [convolution(inputs, outputs, 3, stride), norm(outputs)];
  const [conv2, bn2] = [convolution(outputs, outputs, 3, 1), norm(outputs)];
  const same = stride === 1 && inputs === outputs;
  const [conv, bn] = same ? [] : [convolution(inputs, outputs, 1, stride), norm(outputs)];
  return (x) => tf.relu(tf.add(bn2(conv2(tf.relu(bn1(conv1(x))))), same ? x : bn(conv(x))));
};
const [stem, bn] = [convolution(3, 64, 7, 2), norm(64)];
const units = [64, 128, 256, 512].flatMap((width, i) => [
  unit(i === 0 ? 64 : width / 2, width, i === 0 ? 1 : 2),
  unit(width, width, 1),
]);
const [last, bias] = [weight(tf.randomUniform([512, CLASSES], -0.044, 0.044)), weight(tf.zeros([CLASSES]))];
const border = [1, 1];
const network = (image) => {
  const low = tf.pad(tf.relu(bn(stem(image))), [[0, 0], border, border, [0, 0]]);
  const features = units.reduce((x, one) => one(x), tf.maxPool(low, 3, 2, "valid"));
  return tf.add(tf.matMul(tf.mean(features, [1, 2]), last), bias);
};

const { image, age } = tensorsOf(inputs, new Set(["image", "age"]));
const pixels = tf.tidy(() => tf.transpose(tf.tensor(image.data, image.shape), [0, 2, 3, 1]).dataSync());
const [batch, , height, width] = image.shape;
await serve(() =>
  tf.tidy(() => {
    const x = tf.tensor(pixels, [batch, height, width, 3]);
    const labels = tf.oneHot(tf.tensor1d(age.data, "int32"), CLASSES);
    const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(labels, network(x)));
    for (const { variable, velocity } of weights) {
      const gradient = tf.add(grads[variable.name], tf.mul(variable, DECAY));
      velocity.assign(tf.add(tf.mul(velocity, MOMENTUM), gradient));
      variable.assign(tf.sub(variable, tf.mul(tf.add(gradient, tf.mul(velocity, MOMENTUM)), RATE)));
    }
    return value.dataSync()[0];
  }),
);
