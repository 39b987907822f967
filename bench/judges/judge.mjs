// Expression classifier and two of the verifiers, over a list of pictures, in one process on one thread.
// usage: node judge.mjs LIST.json OUT.jsonl [--size 500]
//   LIST.json: [{"path": ...}, ...], other keys (person, expected) are passed through.
//   OUT.jsonl: one line a picture: the item, detected, score, box [x0, y0, x1, y1] in px of the picture itself,
//   probabilities {7 classes}, descriptor [128] (face-api) and faceres [1024] (HSE FaceRes, unit length).
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const inPackage = (name, folder) => path.join(import.meta.dirname, 'node_modules', name, folder);

// Where an upright face's pupils lie in the 224 px FaceRes crop; found on the 68 train people (README).
const FACERES = { size: 224, eyeDistance: 75, eyeY: 85 };

// The detector's package asks for a confidence of 0.5; judged.py applies that, or less where a face is known to be there.
const LEAST = 0.05;

async function setup() {
  wasm.setWasmPaths(inPackage('@tensorflow/tfjs-backend-wasm', 'dist/'));
  wasm.setThreadsCount(1);
  sharp.concurrency(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const models = inPackage('@vladmandic/face-api', 'model');
  for (const net of ['ssdMobilenetv1', 'faceLandmark68Net', 'faceExpressionNet', 'faceRecognitionNet']) {
    await faceapi.nets[net].loadFromDisk(models);
  }
  return tf.loadGraphModel(fromDisk(inPackage('@vladmandic/human', 'models/faceres.json')));
}

/** A tfjs IO handler for a model folder on disk (tfjs-node, which has one, is not needed otherwise). */
function fromDisk(file) {
  return { load: async () => {
    const model = JSON.parse(fs.readFileSync(file, 'utf8'));
    const shards = model.weightsManifest.flatMap((g) => g.paths).map((p) => fs.readFileSync(path.join(path.dirname(file), p)));
    const data = Buffer.concat(shards);
    return { modelTopology: model.modelTopology, weightSpecs: model.weightsManifest.flatMap((g) => g.weights),
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
      format: model.format, signature: model.signature };
  } };
}

/** RGB pixels, the longer side at most `size`; scale is small px per original px. */
async function read(file, size) {
  const meta = await sharp(file).metadata();
  const { data, info } = await sharp(file).rotate().removeAlpha().toColourspace('srgb')
    .resize(size, size, { fit: 'inside', withoutEnlargement: true }).raw().toBuffer({ resolveWithObject: true });
  const scale = Math.max(info.width, info.height) / Math.max(meta.width, meta.height);
  return { data, width: info.width, height: info.height, scale };
}

/** The eyes brought to fixed places by a similarity, bilinear, black outside: (224, 224, 3) floats 0-255. */
function alignedCrop(image, landmarks) {
  const mean = (points) => points.reduce((a, p) => [a[0] + p.x / points.length, a[1] + p.y / points.length], [0, 0]);
  const [lx, ly] = mean(landmarks.getLeftEye());
  const [rx, ry] = mean(landmarks.getRightEye());
  const { size, eyeDistance, eyeY } = FACERES;
  const [ux, uy] = [(rx - lx) / eyeDistance, (ry - ly) / eyeDistance];
  const out = new Float32Array(size * size * 3);
  const { data, width, height } = image;
  for (let v = 0; v < size; v++) for (let u = 0; u < size; u++) {
    const [a, b] = [u - size / 2, v - eyeY];
    const x = (lx + rx) / 2 + a * ux - b * uy;
    const y = (ly + ry) / 2 + a * uy + b * ux;
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    if (x0 < 0 || y0 < 0 || x0 + 1 >= width || y0 + 1 >= height) continue;
    const [fx, fy] = [x - x0, y - y0];
    for (let c = 0; c < 3; c++) {
      const p = (y0 * width + x0) * 3 + c;
      const top = data[p] * (1 - fx) + data[p + 3] * fx;
      const low = data[p + width * 3] * (1 - fx) + data[p + width * 3 + 3] * fx;
      out[(v * size + u) * 3 + c] = top * (1 - fy) + low * fy;
    }
  }
  return out;
}

function faceresDescriptor(model, crop) {
  return tf.tidy(() => {
    const rgb = tf.tensor(crop, [1, FACERES.size, FACERES.size, 3]);
    const x = tf.sub(tf.reverse(rgb, 3), [103.939, 116.779, 123.68]); // BGR, as the network was trained
    const features = model.execute(x, 'global_pooling/Mean').flatten();
    return Array.from(tf.div(features, tf.norm(features)).dataSync());
  });
}

async function judge(file, size, faceres) {
  const image = await read(file, size);
  const tensor = tf.tensor3d(new Int32Array(image.data), [image.height, image.width, 3], 'int32');
  const found = await faceapi.detectSingleFace(tensor, new faceapi.SsdMobilenetv1Options({ minConfidence: LEAST }))
    .withFaceLandmarks().withFaceExpressions().withFaceDescriptor();
  tensor.dispose();
  if (!found) return { detected: false };
  const { left, top, right, bottom } = found.detection.box;
  return {
    detected: true,
    score: found.detection.score,
    box: [left, top, right, bottom].map((v) => Math.round(v / image.scale)),
    probabilities: { ...found.expressions },
    descriptor: Array.from(found.descriptor),
    faceres: faceresDescriptor(faceres, alignedCrop(image, found.landmarks)),
  };
}

const [list, out, flag, value] = process.argv.slice(2);
if (!list || !out || (flag && flag !== '--size')) {
  console.error('usage: node judge.mjs LIST.json OUT.jsonl [--size 500]');
  process.exit(2);
}
const items = JSON.parse(fs.readFileSync(list, 'utf8'));
const faceres = await setup();
const lines = fs.openSync(out, 'w');
const start = performance.now();
for (const [i, item] of items.entries()) {
  let result;
  try {
    result = await judge(item.path, Number(value ?? 500), faceres);
  } catch (error) {
    console.error(`\n${item.path}: ${error.message}`);
    process.exit(2);
  }
  fs.writeSync(lines, `${JSON.stringify({ ...item, ...result })}\n`);
  const each = (performance.now() - start) / 1000 / (i + 1);
  if ((i + 1) % 20 === 0 || i + 1 === items.length) console.error(`judge.mjs: ${i + 1}/${items.length}, ${each.toFixed(2)} s a picture`);
}
