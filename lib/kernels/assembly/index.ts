// What the module gives: kernels, and where in its memory they look for their input.
export * from './memory'
export { encodeChunks } from './chunk'
export { matchLines } from './lines'
export { writePoints } from './points'
export { decodeDecimals, decodeXor } from './piece'
export { encodePiece } from './piece-encode'
export { translateRequest } from './request'
export { decodeSnappy } from './snappy'
