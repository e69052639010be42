/* A photograph straight from a phone may be larger than what is taken, although no model looks at
   that many pixels: it is made smaller before it is sent. */

const SIDE_MOST_PX = 2400;

/** The file itself, or a smaller JPEG of it when it has more than `mostBytes`. */
export async function smallEnough(file, mostBytes) {
  if (file.size <= mostBytes || !["image/jpeg", "image/png", "image/webp"].includes(file.type)) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE_MOST_PX / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const smaller = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    return smaller ?? file;
  } catch {
    return file;
  }
}
