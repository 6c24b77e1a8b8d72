/**
 * What PyTorch, Keras and NumPy call things, and the words here: for suggestions only. A suggestion is made only where
 * the word is in scope, so nothing depends on this table but the help under a message.
 */

export interface Foreign {
  /** Words here, the likeliest first. */
  readonly names: readonly string[];
  /** What else is different, as one line of help. */
  readonly advice?: string;
  /** There the size of the input is the first argument; here it comes with the tensor, so the name alone mends nothing. */
  readonly sizeFirst?: true;
  /** The word here where it is one of the language, which no scope has. */
  readonly word?: string;
}

const noSize = "the size of what comes in is not written: it comes with the tensor";
const ofTensor = "sizes have names in the type:   input x: f32[B, 3, H, W]   gives B, H and W";
const noPrefix = "layers, losses and optimizers need no prefix:   x |> linear(10) |> relu";
const eager = "nothing here has a device or a mode; the command that runs the model decides";

function words(...names: readonly string[]): Foreign {
  return { names };
}
function sized(...names: readonly string[]): Foreign {
  return { names, advice: noSize, sizeFirst: true };
}
function keyword(word: string): Foreign {
  return { names: [], advice: `here it is   ${word}`, word };
}
function advice(text: string, ...names: readonly string[]): Foreign {
  return { names, advice: text };
}

/** Blocks, functions and modules, by their name there. */
export const foreignNames: Readonly<Record<string, Foreign>> = {
  // layers of PyTorch, which take the input's size first
  Conv1d: sized("conv1d"),
  Conv2d: sized("conv"),
  ConvTranspose1d: sized("conv_transpose1d"),
  ConvTranspose2d: sized("conv_transpose"),
  Linear: sized("linear"),
  LazyLinear: words("linear"),
  LazyConv2d: words("conv"),
  BatchNorm1d: sized("batch_norm"),
  BatchNorm2d: sized("batch_norm"),
  BatchNorm3d: sized("batch_norm"),
  LayerNorm: sized("layer_norm"),
  GroupNorm: words("group_norm"),
  InstanceNorm1d: sized("instance_norm"),
  InstanceNorm2d: sized("instance_norm"),
  Bilinear: sized("bilinear"),
  RMSNorm: sized("rms_norm"),
  LSTM: sized("lstm"),
  GRU: sized("gru"),
  MultiheadAttention: sized("attention"),
  TransformerEncoderLayer: sized("encoder_layer"),
  TransformerDecoderLayer: sized("decoder_layer"),
  LSTMCell: sized("lstm_cell"),
  GRUCell: sized("gru_cell"),
  // layers of Keras
  Dense: words("linear"),
  Conv1D: words("conv1d"),
  Conv2D: words("conv"),
  Conv2DTranspose: words("conv_transpose"),
  DepthwiseConv2D: words("depthwise"),
  SeparableConv2D: words("separable_conv"),
  BatchNormalization: words("batch_norm"),
  LayerNormalization: words("layer_norm"),
  GroupNormalization: words("group_norm"),
  MultiHeadAttention: words("attention"),
  MaxPooling2D: words("max_pool"),
  AveragePooling2D: words("avg_pool"),
  GlobalAveragePooling2D: words("global_avg_pool"),
  GlobalMaxPooling2D: words("global_max_pool"),
  ZeroPadding2D: words("zero_pad"),
  UpSampling2D: words("upsample", "resize"),
  Reshape: words("reshape"),
  Activation: advice("an activation is a block of its own:   x |> relu"),
  // without weights
  MaxPool1d: words("max_pool1d"),
  MaxPool2d: words("max_pool"),
  AvgPool1d: words("avg_pool1d"),
  AvgPool2d: words("avg_pool"),
  AdaptiveAvgPool2d: words("adaptive_avg_pool", "global_avg_pool"),
  AdaptiveMaxPool2d: words("adaptive_max_pool", "global_max_pool"),
  Dropout: words("dropout"),
  Dropout2d: words("dropout_channels"),
  SpatialDropout2D: words("dropout_channels"),
  DropPath: words("stochastic_depth"),
  drop_path: words("stochastic_depth"),
  StochasticDepth: words("stochastic_depth"),
  Embedding: words("embedding"),
  Flatten: words("flatten"),
  Upsample: words("upsample", "resize"),
  PixelShuffle: words("pixel_shuffle"),
  PixelUnshuffle: words("pixel_unshuffle"),
  ChannelShuffle: words("channel_shuffle"),
  ZeroPad2d: words("zero_pad"),
  Identity: advice("the identity is the value itself:   block(x) => x"),
  Sequential: advice("layers follow each other in a pipe:   x |> conv(64) |> batch_norm |> relu"),
  ModuleList: advice("a list of layers is a fold:   fold y = x for width in widths => y |> linear(width)"),
  Module: advice("a module is a block:   block NAME(out: int)(x: float[B, C, H, W]) -> float[B, out, H, W] => …"),
  Parameter: advice("a weight is a line of a block:   param weight: float[C] = zeros()"),
  // activations
  ReLU: words("relu"),
  ReLU6: words("relu6"),
  LeakyReLU: words("leaky_relu"),
  GELU: words("gelu"),
  SiLU: words("silu"),
  Swish: words("silu"),
  swish: words("silu"),
  ELU: words("elu"),
  Sigmoid: words("sigmoid"),
  Tanh: words("tanh"),
  Softmax: words("softmax"),
  LogSoftmax: words("log_softmax"),
  Hardswish: words("hardswish"),
  Hardsigmoid: words("hardsigmoid"),
  Hardtanh: words("hardtanh"),
  PReLU: sized("prelu"),
  SELU: words("selu"),
  Mish: words("mish"),
  Softplus: words("softplus"),
  Softsign: words("softsign"),
  LogSigmoid: words("log_sigmoid"),
  GLU: words("glu"),
  // losses
  CrossEntropyLoss: words("cross_entropy"),
  SparseCategoricalCrossentropy: words("cross_entropy"),
  CategoricalCrossentropy: words("cross_entropy"),
  NLLLoss: words("cross_entropy"),
  BCEWithLogitsLoss: words("binary_cross_entropy_with_logits"),
  BCELoss: words("binary_cross_entropy"),
  BinaryCrossentropy: words("binary_cross_entropy", "binary_cross_entropy_with_logits"),
  MSELoss: words("mse_loss"),
  MeanSquaredError: words("mse_loss"),
  L1Loss: words("l1_loss"),
  MeanAbsoluteError: words("l1_loss", "mae"),
  SmoothL1Loss: words("smooth_l1_loss"),
  HuberLoss: words("huber_loss"),
  Huber: words("huber_loss"),
  GaussianNLLLoss: words("gaussian_nll_loss"),
  KLDivLoss: words("kl_divergence"),
  kl_div: words("kl_divergence"),
  TripletMarginLoss: words("triplet_margin_loss"),
  CosineEmbeddingLoss: words("cosine_embedding_loss"),
  CosineSimilarity: words("cosine_similarity"),
  PairwiseDistance: words("pairwise_distance"),
  // optimizers and schedules
  SGD: words("sgd"),
  Adam: words("adam"),
  AdamW: words("adamw"),
  Lion: words("lion"),
  clip_grad_norm_: advice("gradients are clipped in `train`:   gradients = clip_norm(1.0)", "clip_norm"),
  clip_grad_value_: advice("gradients are clipped in `train`:   gradients = clip_value(0.5)", "clip_value"),
  RMSprop: words("rmsprop"),
  Adagrad: words("adagrad"),
  StepLR: words("steps"),
  MultiStepLR: words("steps"),
  CosineAnnealingLR: words("cosine", "warm_cosine"),
  OneCycleLR: words("one_cycle"),
  ExponentialLR: words("exponential"),
  PolynomialLR: words("polynomial"),
  LinearLR: words("warm_up", "polynomial"),
  // initialisers
  kaiming_normal_: words("he_normal"),
  kaiming_uniform_: words("he_uniform"),
  HeNormal: words("he_normal"),
  HeUniform: words("he_uniform"),
  xavier_uniform_: words("xavier_uniform"),
  xavier_normal_: words("xavier_normal"),
  GlorotUniform: words("xavier_uniform"),
  GlorotNormal: words("xavier_normal"),
  LecunNormal: words("lecun_normal"),
  constant_: words("full"),
  full_like: words("full"),
  randn: words("normal"),
  randn_like: words("normal"),
  rand: words("uniform"),
  // operations on tensors
  cat: words("concat"),
  concatenate: words("concat"),
  Concatenate: words("concat"),
  hstack: words("concat"),
  Add: advice("addition is an operator:   a + b"),
  einsum: advice("write it with matmul, transpose and reductions", "matmul"),
  mm: words("matmul"),
  bmm: words("matmul"),
  dot: words("matmul"),
  chunk: words("split"),
  permute: words("transpose"),
  swapaxes: words("transpose"),
  view: advice("one row a sample:   x |> flatten", "reshape"),
  unsqueeze: advice("a new axis is an index:   x[:, new]"),
  expand_dims: advice("a new axis is an index:   x[:, new]"),
  squeeze: advice("an axis of size 1 goes away with an index:   x[:, 0]"),
  where: words("select"),
  clamp: advice("bounds are min and max:   min(max(x, 0.0), 1.0)"),
  clip: advice("bounds are min and max:   min(max(x, 0.0), 1.0)"),
  pow: advice("a power is an operator:   x ^ 2"),
  square: advice("a power is an operator:   x ^ 2"),
  maximum: words("max"),
  minimum: words("min"),
  arange: words("iota"),
  range: advice("numbers one after the other are a range:   0 ..< 10"),
  print: advice("nothing is printed while a network runs; `archc run --fetch PATH` writes any value"),
  detach: words("stop_gradient"),
  type_as: words("cast"),
  astype: words("cast"),
  interpolate: words("upsample", "resize"),
  unbind: words("unstack"),
  logsigmoid: words("log_sigmoid"),
  reduce_mean: words("mean"),
  reduce_sum: words("sum"),
  reduce_max: words("amax"),
  amin: advice("the least is the negative of the largest of the negatives:   -amax(-x)"),
  // what is done to samples
  RandomHorizontalFlip: words("random_flip"),
  RandomFlip: words("random_flip"),
  RandomRotation: words("random_rotate"),
  RandomResizedCrop: words("random_scale"),
  RandomZoom: words("random_scale"),
  RandomAffine: words("random_shift", "random_rotate", "random_scale"),
  RandomTranslation: words("random_shift"),
  Normalize: advice(
    'mean and deviation are settings:   image_file("path", size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])',
  ),
  Resize: advice('the size is a setting:   image_file("path", size: 224)'),
  ToTensor: advice('an image is loaded as a tensor:   image_file("path", size: 224)'),
  // modules of Python
  nn: advice(noPrefix),
  torch: advice(noPrefix),
  tf: advice(noPrefix),
  keras: advice(noPrefix),
  layers: advice(noPrefix),
  optim: advice(noPrefix),
  F: advice(noPrefix),
  np: advice(noPrefix),
  math: advice("functions of numbers need no prefix:   sqrt(2.0)"),
  self: advice("a block has no self: weights are `param` lines, parts are `let` lines"),
  None: advice("a new axis is `new`:   x[:, new]   and a setting that is not wanted is left out"),
  newaxis: keyword("new"),
  null: advice("nothing stands for a missing value; leave the setting out"),
  True: keyword("true"),
  False: keyword("false"),
  pi: advice("write 3.141592653589793"),
};

/** Settings, by their name there. */
export const foreignSettings: Readonly<Record<string, Foreign>> = {
  out_channels: words("out", "width"),
  out_features: words("out"),
  filters: words("out"),
  units: words("out", "width"),
  channels: words("out"),
  hidden_size: words("width", "out"),
  embedding_dim: words("width"),
  output_dim: words("width"),
  embed_dim: words("width"),
  num_embeddings: words("count"),
  input_dim: words("count"),
  num_classes: words("count", "classes", "out"),
  depth: words("count"),
  kernel_size: words("kernel"),
  pool_size: words("kernel"),
  window: words("kernel"),
  strides: words("stride"),
  padding: words("pad"),
  dilation_rate: words("dilation"),
  bias: words("use_bias"),
  kernel_initializer: words("init"),
  epsilon: words("eps"),
  negative_slope: words("slope"),
  alpha: words("slope"),
  p: words("rate"),
  drop_prob: words("rate"),
  num_heads: words("heads"),
  nhead: words("heads"),
  num_groups: words("groups"),
  dim: words("axis"),
  axes: words("axis"),
  keepdim: words("keepdims"),
  keep_dims: words("keepdims"),
  dims: words("order", "axis"),
  perm: words("order"),
  shape: words("to"),
  size: words("to", "kernel"),
  dtype: words("to"),
  label_smoothing: words("smoothing"),
  weight_decay: words("decay"),
  beta_1: words("beta1"),
  beta_2: words("beta2"),
  betas: advice("two settings:   adam(beta1: 0.9, beta2: 0.999)"),
  gamma: words("by"),
  step_size: words("at"),
  milestones: words("at"),
  max_lr: words("peak"),
  warmup_steps: words("warm"),
  lr: advice('the rate stands behind `at`:   optimize "**" by sgd() at constant(0.01)', "rate", "start"),
  learning_rate: advice('the rate stands behind `at`:   optimize "**" by sgd() at constant(0.01)', "rate", "start"),
  batch_size: words("batch"),
  num_epochs: words("epochs"),
  n_epochs: words("epochs"),
  optimizer: advice('an optimizer is a line:   optimize "**" by sgd() at constant(0.01)'),
  loss: advice("a loss is a line of a head:   loss cross_entropy(logits, label)"),
  scheduler: advice('a schedule stands behind `at`:   optimize "**" by sgd() at steps(0.1, at: [30, 60])'),
  in_channels: advice(noSize),
  in_features: advice(noSize),
  num_features: advice(noSize),
  normalized_shape: advice(noSize),
  input_size: advice(noSize),
  input_shape: advice(noSize),
  activation: advice("an activation is a block of its own, behind this one:   … |> relu"),
  inplace: advice("nothing is changed in place; leave it out"),
  device: advice(eager),
  training: advice(eager),
  reduction: advice(
    "a loss gives the mean over the batch; the sum is that, times its size:   B * cross_entropy(logits, label)",
  ),
  batch_first: advice("the batch is always the first axis; leave it out"),
  data_format: advice("the axes are always [B, C, H, W]; leave it out"),
  name: advice("a name is a label behind the application:   x |> conv(64) as name"),
};

/** Element types, by their name there. */
export const foreignTypes: Readonly<Record<string, Foreign>> = Object.fromEntries(
  Object.entries({
    f16: ["float16", "half"],
    bf16: ["bfloat16"],
    f32: ["float32", "Float", "FloatTensor", "single"],
    f64: ["float64", "double", "Double"],
    i32: ["int32", "integer"],
    i64: ["int64", "long", "Long", "LongTensor"],
    bool: ["boolean", "Bool"],
  }).flatMap(([here, there]) => there.map((name): [string, Foreign] => [name, words(here)])),
);

/** What tensors carry there as methods and fields. */
export const foreignMembers: Readonly<Record<string, Foreign>> = {
  shape: advice(ofTensor),
  size: advice(ofTensor),
  ndim: advice(ofTensor),
  T: advice("axes change places with a pipe:   x |> transpose([1, 0])"),
  t: advice("axes change places with a pipe:   x |> transpose([1, 0])"),
  mT: advice("axes change places with a pipe:   x |> transpose([0, 2, 1])"),
  dtype: advice("the element type stands in the type:   input x: f32[B, 3]"),
  float: advice("an element type changes with a pipe:   x |> cast(to: f32)"),
  double: advice("an element type changes with a pipe:   x |> cast(to: f64)"),
  half: advice("an element type changes with a pipe:   x |> cast(to: f16)"),
  long: advice("an element type changes with a pipe:   x |> cast(to: i64)"),
  int: advice("an element type changes with a pipe:   x |> cast(to: i32)"),
  view: advice("one row a sample:   x |> flatten   or a shape:   x |> reshape([B, 64])"),
  to: advice("an element type changes with a pipe:   x |> cast(to: f32)"),
  item: advice("a tensor stays one; predictions are written by the command that runs the model"),
  contiguous: advice("leave it out: layout is not part of the language"),
  cuda: advice(eager),
  numpy: advice(eager),
};

/** Whether other libraries give the size of what comes in to a layer of this name here. */
export function isSizedElsewhere(name: string): boolean {
  return Object.values(foreignNames).some((foreign) => foreign.sizeFirst === true && foreign.names.includes(name));
}

function known(table: Readonly<Record<string, Foreign>>, name: string): Foreign | undefined {
  if (Object.hasOwn(table, name)) return table[name];
  return undefined;
}

/** What a name of another library would be here, as far as `inScope` has it. */
export function foreignName(name: string, inScope: Iterable<string>): Foreign | undefined {
  return within(known(foreignNames, name), inScope);
}
export function foreignType(name: string): Foreign | undefined {
  return known(foreignTypes, name);
}
export function foreignSetting(name: string, settings: Iterable<string>): Foreign | undefined {
  return within(known(foreignSettings, name), settings);
}
/** A method or field of a tensor: one of the members above, or a block that is applied with a pipe here. */
export function foreignMember(name: string, inScope: Iterable<string>): Foreign | undefined {
  return known(foreignMembers, name) ?? foreignName(name, inScope);
}
function within(foreign: Foreign | undefined, inScope: Iterable<string>): Foreign | undefined {
  if (foreign === undefined) return undefined;
  const names = new Set(inScope);
  const here = foreign.names.filter((n) => names.has(n)).slice(0, 1);
  return here.length === 0 && foreign.advice === undefined ? undefined : { ...foreign, names: here };
}
