/** Keys that guard nothing: of tests that read files and connect to nobody. The certificate is valid for a hundred years. */

/** A certificate, signed by itself. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUM24ANdPrEJtYorNxT5r2BNTqVgswCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjkwNTAzMTVaGA8yMTI2MTEwNTA1MDMx
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOMw
J9wvYmKdLLYH5OJaMyz8zieFEEI3xDP+6qwGJEfjqbugD5DROtWt6lmpqpWWZj6B
w7rJSwMWZrlPwbigVjKjUzBRMB0GA1UdDgQWBBTvLo9Nn6ln4tnCxKqJ9LEbtMZ6
sTAfBgNVHSMEGDAWgBTvLo9Nn6ln4tnCxKqJ9LEbtMZ6sTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDpinBp3k2H6q0GUNBKtQksvFtjzuH0q7z7
+StW+YHxhgIhAJ8G5w97U0CwWufseT26jo4hA+zK9oBE9vgmLe/RHjtU
-----END CERTIFICATE-----
`;

/** Its private key. */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoG7py4Axsi6Eyols
Ojwe9fy6GRdOr72uaMYncRXV7OehRANCAATjMCfcL2JinSy2B+TiWjMs/M4nhRBC
N8Qz/uqsBiRH46m7oA+Q0TrVrepZqaqVlmY+gcO6yUsDFma5T8G4oFYy
-----END PRIVATE KEY-----
`;

/** A private key of another certificate. */
export const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6Av4yITfru3j47yZ
/5ir+LCyDKxqjNWQqZXFG7vJBSKhRANCAASItNLmdudVIDUQMCaK7Si2NWz2tbGH
VvogPiZPLroFmbzp822kLqzEZ6dh6ck8sZqZ37LIYkv1EAowuubKGvDm
-----END PRIVATE KEY-----
`;

/** The certificate's private key, encrypted. */
export const ENCRYPTED_KEY = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgqCHT+zaHn3gICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEclyf6cuchHn8hTeYURobgEgZAD
r4Dhr9hVw/BiPEQeWQRrRXw7qqvV8WWoMvotKDTWIMnS634p8ATOMOCR1P5jeEc0
nrslR64mXDhlDgaVfd4OCmCavIxsKpeo1F808BR2sWkkhtjDVaTwbOzunTMwBE/u
LwJLyHEL0J7gA96i3CazdhaQ5m0z6Pho7TqOtrfLTdRnUlP2YQ9gluggzyYA6Pk=
-----END ENCRYPTED PRIVATE KEY-----
`;
