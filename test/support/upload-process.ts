// A process that does one round of uploads and dies at a fault point: upload-process.ts FOLDER BUCKET POINT.
import { armFaultPoint } from '../../lib/std/fault-point.ts'
import { FolderStore } from '../../storage/object-store/folder-store.ts'
import { uploadHours } from '../../storage/tier/hour-upload.ts'

const [folder, bucket, point] = process.argv.slice(2) as [string, string, string]
armFaultPoint(point)
console.log(JSON.stringify(await uploadHours(folder, new FolderStore(bucket), Date.parse('2026-12-02T00:00:00Z'))))
