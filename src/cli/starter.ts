/** The files of a starter project: a small model that trains on drawn faces, and what to do with it. Texts only. */

const MODEL = `/// The age of a face, by a small convolutional network: a place to start from.
model face_age(classes: int = 101, side: int = 64, width: int = 16) {
  input  image: f32[B, 3, side, side]
  target age:   i32[B] in 0 ..< classes

  let map  = image |> down(width) as stem |> down(2 * width) as b1 |> down(4 * width) as b2
  let code = map |> global_avg_pool |> dropout(0.2) |> linear(64) |> relu

  head final {
    let logits = code |> linear(classes)
    loss cross_entropy(logits, age)
    predict years = expectation(softmax(logits))
    metric mae = mae(years, age)
  }

  train {
    batch  = 16
    epochs = 10
    optimize "**" by adam(decay: 1e-4) at constant(1e-3)
  }

  data { // each input and target, and where a row of the manifest has it
    image   = image_file("path", size: side, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25])
    age     = column("age")
    augment = [random_flip(), random_rotate(10)]
  }
}

/// A convolution and half the size.
block down(out: int)(x: float[B, C, H, W]) -> float[B, out, floor(H / 2), floor(W / 2)]
  => x |> conv(out) |> batch_norm |> relu |> max_pool(2)

/// Twice as wide: one line is a model of its own, checked with the rest.
variant wide of face_age { set width = 32 }
`;

const README = `# A model in archc

\`model.arch\` says everything about one model: its inputs, its layers, what it learns from and how.

\`\`\`sh
archc check model.arch                                       # every mistake, each with a way out
archc summary model.arch                                     # parameters, FLOP and memory a part
archc params model.arch                                      # the names of the weights
archc variants model.arch                                    # the model and its variants

archc data faces -o faces --count 200                        # drawn faces, to have something to train on
archc engine install tensorflow                              # once; what trains
archc train model.arch --data faces/manifest.csv -o run
archc predict model.arch --weights run/weights.safetensors faces/images/00000.png

archc compile model.arch --target onnx --weights run/weights.safetensors -o age.onnx
archc compile model.arch --target tfjs -o build/age          # a training step for Node
\`\`\`

Your own pictures need a \`manifest.csv\` with the columns that the \`data\` section names, here \`path\` and \`age\`, and a column \`split\` with
\`train\`, \`val\` or \`test\`. A message has a code, such as E0301; \`archc explain E0301\` says what it means.
`;

const IGNORED = `/faces/
/run*/
/build/
*.onnx
*.safetensors
`;

export const STARTER: Readonly<Record<string, string>> = {
  "model.arch": MODEL,
  "README.md": README,
  ".gitignore": IGNORED,
};
