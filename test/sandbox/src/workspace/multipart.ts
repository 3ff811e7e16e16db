import { invalid } from "../server/api-error.ts";

/** The parts of a multipart/form-data body by name (RFC 7578), each as its bytes. Throws 400 when the body is cut off. */
export function multipartFields(body: Buffer, contentType: string): Record<string, Buffer> {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  if (!boundary) throw invalid("The multipart body has no boundary.");
  const marker = Buffer.from(`--${boundary[1] ?? boundary[2]}`);
  const delimiter = Buffer.concat([Buffer.from("\r\n"), marker]);
  const fields: Record<string, Buffer> = {};
  let at = body.indexOf(marker);
  if (at < 0) throw invalid("The multipart body does not contain its boundary.");
  at += marker.length;
  while (body.toString("latin1", at, at + 2) !== "--") {
    const headersEnd = body.indexOf("\r\n\r\n", at);
    const end = headersEnd < 0 ? -1 : body.indexOf(delimiter, headersEnd + 2);
    if (end < 0) throw invalid("The multipart body is cut off.");
    const headers = body.toString("utf8", at, headersEnd);
    const name = /name="([^"]*)"/i.exec(headers)?.[1];
    if (name === undefined) throw invalid("A part of the multipart body has no name.");
    if (/content-transfer-encoding: *base64/i.test(headers)) throw invalid("A base64 part is not supported.");
    fields[name] = body.subarray(headersEnd + 4, Math.max(headersEnd + 4, end));
    at = end + delimiter.length;
  }
  return fields;
}
