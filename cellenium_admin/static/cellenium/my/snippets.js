/* Credentials as the texts that shells and programs read. All values are quoted: a secret may hold `/` and `+`. */

const sh = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const power = (text) => `'${text.replaceAll("'", "''")}'`;

const variables = (one) => [
  ["AWS_ACCESS_KEY_ID", one.access_key_id],
  ["AWS_SECRET_ACCESS_KEY", one.secret_access_key],
  ["AWS_SESSION_TOKEN", one.session_token],
  ["AWS_DEFAULT_REGION", one.region],
  ...(one.endpoint_url ? [["AWS_ENDPOINT_URL_S3", one.endpoint_url]] : []),
];

export const environment = (one) => `${variables(one).map(([name, value]) => `export ${name}=${sh(value)}`).join("\n")}\n`;

export const powerShell = (one) => `${variables(one).map(([name, value]) => `$Env:${name} = ${power(value)}`).join("\n")}\n`;

export const credentialsFile = (one) => [
  "[cellenium]",
  `aws_access_key_id = ${one.access_key_id}`,
  `aws_secret_access_key = ${one.secret_access_key}`,
  `aws_session_token = ${one.session_token}`,
  `region = ${one.region}`,
  ...(one.endpoint_url ? [`endpoint_url = ${one.endpoint_url}`] : []),
  "",
].join("\n");

/* Commands for a shell in which one of the above holds; these hold no secret. */
export function commands(one) {
  const place = `s3://${one.bucket}/${one.prefix}`;
  const options = [`--region ${one.region}`, ...(one.endpoint_url ? [`--endpoint-url ${one.endpoint_url}`] : [])].join(" ");
  const list = `aws s3 ls ${sh(place)} --recursive ${options}`;
  const copy = one.purpose === "upload"
    ? `aws s3 cp my-study.h5ad ${sh(place)} ${options}`
    : `aws s3 cp ${sh(`${place}my-study.h5ad`)} . ${options}`;
  return `${copy}\n${list}\n`;
}

export const FORMATS = [
  { id: "environment", title: "Shell (sh)", of: environment, hint: "Paste into bash, zsh or sh." },
  { id: "powershell", title: "PowerShell", of: powerShell, hint: "Paste into PowerShell." },
  { id: "file", title: "Credentials file", of: credentialsFile, hint: "Append to ~/.aws/credentials, then use: --profile cellenium" },
];
