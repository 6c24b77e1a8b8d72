"""Keras on TensorFlow as a contender of a bench: one training step of ResNet-18 after another.

    python bench/contenders/keras_step.py INPUTS.safetensors keras|keras_xla

The functional API with channels last and padding as ResNet has it, `train_on_batch`, and Keras's own SGD with Nesterov momentum and decay;
`keras_xla` compiles the step by XLA (jit_compile). Needs keras, tensorflow-cpu and safetensors.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
from keras import layers
from safetensors.numpy import load_file

from steps import serve


def conv(x, outputs: int, size: int, stride: int = 1):
    he = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    if stride != 1 and size != 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    return layers.Conv2D(outputs, size, stride, "same" if stride == 1 else "valid", use_bias=False, kernel_initializer=he)(x)


def norm(x):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def unit(x, outputs: int, stride: int):
    y = layers.ReLU()(norm(conv(x, outputs, 3, stride)))
    y = norm(conv(y, outputs, 3))
    if stride != 1 or x.shape[3] != outputs:
        x = norm(conv(x, outputs, 1, stride))
    return layers.ReLU()(layers.Add()([x, y]))


def main() -> None:
    batch = load_file(sys.argv[1])
    image, age = batch["image"].transpose(0, 2, 3, 1).copy(), batch["age"]
    inputs = keras.Input(image.shape[1:])
    x = layers.ReLU()(norm(conv(inputs, 64, 7, 2)))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for i, width in enumerate((64, 128, 256, 512)):
        x = unit(unit(x, width, 1 if i == 0 else 2), width, 1)
    model = keras.Model(inputs, layers.Dense(101)(layers.GlobalAveragePooling2D()(x)))
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=5e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=sys.argv[2] == "keras_xla",
    )
    serve(lambda: float(model.train_on_batch(image, age)))


main()
