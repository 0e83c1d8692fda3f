// Entra's words around oidc-provider's answers. Only what Entra adds to the standard: an `invalid_grant` stays as
// bare as oidc-provider sends it, since no number could be invented for it that Entra would have sent.

const NUMBERS = { authorization_pending: 70016, expired_token: 70020 };

export function inEntrasWords(path, body, { tenant, interval }) {
  if (path.endsWith('/devicecode') && body.user_code) {
    const { verification_uri_complete: unknownToEntra, ...rest } = body;
    const message = `To sign in, use a web browser to open the page ${body.verification_uri} and enter the code ${body.user_code} to authenticate.`;
    return { ...rest, interval, message };
  }
  if (path.endsWith('/token') && body.access_token) {
    const who = JSON.parse(Buffer.from(body.id_token.split('.')[1], 'base64url'));
    const clientInfo = { uid: who.oid, utid: tenant };
    return {
      ...body,
      ext_expires_in: body.expires_in,
      client_info: Buffer.from(JSON.stringify(clientInfo)).toString('base64url'),
    };
  }
  if (body.error) {
    const number = NUMBERS[body.error];
    const told = {
      error: body.error === 'access_denied' ? 'authorization_declined' : body.error,
      error_description: number ? `AADSTS${number}: ${body.error_description}` : body.error_description,
      timestamp: new Date().toISOString().replace('T', ' ').replace(/\..*/, 'Z'),
    };
    return number ? { ...told, error_codes: [number] } : told;
  }
  return body;
}
