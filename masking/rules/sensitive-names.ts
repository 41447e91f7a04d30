import type { NameVerdict } from './name-verdict.ts';

/** Names that say what their value is. Normal form: lower-case words, joined by one space. */

const named = (names: string, detector: string, strength: NameVerdict['strength']): [string, NameVerdict][] =>
  names
    .trim()
    .split(/\s*,\s+/)
    .map((name) => [name.replace(/\s+/g, ' '), { detector, strength }]);

/** Endings of names, and what a value under such a name is. */
export const sensitiveEndings: ReadonlyMap<string, NameVerdict> = new Map([
  // A manager of secrets calls a secret's own name so as well.
  ...named('secret id, secretid', 'credential', 'faint'),
  // Also what a test did.
  ...named('pass, secure string', 'password', 'weak'),
  ...named(
    `
    password, passwd, pwd, passphrase, passcode, pass phrase, pass word, userpass, dbpass,
    dbpassword, passwort, kennwort, contrasena, contraseña, clave de acceso, mot de passe, senha,
    motdepasse, rootpw, pw, wachtwoord, hasło, haslo, heslo, lösenord, adgangskode, passord,
    salasana, parola, şifre, jelszó, пароль, 密码, 密碼, パスワード, 비밀번호, storepass, keypass, psk,
    wpa passphrase, preshared key, pre shared key, wpa psk, pswd, psswd, paswd, passwrd, pasword,
    psword, pswrd, psswrd, pssword, paswrd, pwrd, userpwd, proxyuserpwd, keypasswd, mysqlpass, sshpass, ftppass,
    smtppass, mailpass, redispass, rootpass, adminpass, authentication string
  `,
    'password',
    'strong',
  ),
  ...named(
    `
    secret, client secret, secret key, secret access key, shared secret, signing secret, signing
    key, encryption key, private key, master key, app secret, consumer secret, webhook secret,
    session secret, jwt secret, api key, apikey, api token, apitoken, api secret, apisecret, access
    key, accesskey, account key, auth key, authkey, auth token, authtoken, access token,
    accesstoken, refresh token, id token, session token, bearer token, oauth token, security token,
    service token, app key, appkey, application key, license key, storage key, shared access key,
    secret token, hmac key, credential, credentials, totp secret, otp secret, mfa secret, seed
    phrase, mnemonic, recovery phrase, recovery code, privatekey, secretkey, clientsecret,
    accountkey, sharedaccesskey, private token, personal access token, x api key, deploy key, deploy
    token, bot token, salt key, token secret, signature key, connection string, connectionstring,
    webhook url, client key data, code verifier, device code, client assertion, saml response, samlresponse,
    secrete, user token, api auth, hapikey, authorization code, auth code, private lines, github oauth, gitlab oauth, bitbucket oauth, gitlab token,
    passkey, xoauth2 bearer
  `,
    'credential',
    'weak',
  ),
  ...named(
    `
    token, key, auth, authorization, proxy authorization, cookie, set cookie, session, session id,
    sessionid, sid, jsessionid, phpsessid, csrf, xsrf, jwt, bearer, pat, otp, salt, nonce secret,
    signature, sig, cred, creds, apitok, sas, dsn
  `,
    'credential',
    'weak',
  ),
  ...named(
    `
    cvv, cvc, cvv2, cvc2, card code, security code, card verification value, cvn
  `,
    'card-code',
    'strong',
  ),
  ...named(
    `
    pin, pin code, card pin
  `,
    'pin',
    'strong',
  ),
  ...named(
    `
    ssn, social security number, social security, social security no, socialsecuritynumber, ssn
    number, itin, tax id, taxid, tin, taxpayer id, taxpayer identification number
  `,
    'us-ssn',
    'strong',
  ),
  ...named(
    `
    passport, passport number, passport no, passportnumber, passport id, reisepass, passeport,
    pasaporte, pasaporte no
  `,
    'passport',
    'strong',
  ),
  ...named(
    `
    national id, national id number, national insurance number, nino, aadhaar, aadhaar number,
    pesel, bsn, cpf, curp, personnummer, fiscal code, codice fiscale, steuer id, nric, dni, nie,
    tckn, oib, egn, cnp, identity number, id card, id card number, identity card, identity card number,
    personal id, personal id number, personal number, identification number, identification no,
    national number, citizen number, resident id, id card no, social insurance number, sin, emirates id, cedula,
    cédula, rut, rfc curp, cuil, cuit, dni nie, nif, henkilötunnus, personnr, fødselsnummer, rodne cislo,
    rodné číslo, burgerservicenummer, insee, nir, numero de securite sociale, 身份证, 身份证号, マイナンバー, 주민등록번호, citizen id, ausweisnummer, personalausweis
  `,
    'national-id',
    'strong',
  ),
  ...named(
    `
    aadhar, aadhar number, aadhaar no, afm, ahv, ahv nummer, ahvnummer, bvn, carne de identidad, carné de identidad,
    cartão de cidadão, cédula de ciudadanía, cédula de identidad, cedula de ciudadania, cedula de identidad, cccd, civil id,
    cmnd, cnh, cnic, documento de identidad, documento nacional de identidad, dpi, egn, emšo, fodselsnummer, hetu, hkid, idnr,
    ik, isikukood, jmbg, kennitala, kimlik no, tc kimlik no, ktp, matricule fiscale, mykad, my number, mynumber, nhs number,
    niss, insz, npwp, numéro fiscal, numero fiscal, número de identificación, numéro de sécurité sociale, partita personale,
    personal code, personal identity code, personas kods, asmens kodas, philsys, pis pasep, pps number, ppsn, rg,
    rijksregisternummer, registre national, rentenversicherungsnummer, rrn, snils, снилс, инн, svnr, sozialversicherungsnummer,
    social insurance no, steuernummer, steuer idnr, steueridentifikationsnummer, tax file number, tfn, taj, adóazonosító,
    tax number, tax no, tax reference, tax reference number, tax identification number, unique taxpayer reference, utr,
    teudat zehut, voter id, voter id number, cuit cuil, clave única de registro de población, identity code, citizen card,
    numer pesel, osobni identifikacijski broj, cod numeric personal, bürgernummer, 居民身份证, 身份证号码, 個人番号
  `,
    'national-id',
    'strong',
  ),
  ...named(
    `
    mrn, medical record number, medical record no, patient number, patient id, health insurance number, health card number,
    health card no, health card, medicare number, medicaid id, insurance member id, health plan id, beneficiary id,
    health insurance id, krankenversicherungsnummer, versichertennummer, dea number, npi, npi number, mbi
  `,
    'health-id',
    'strong',
  ),
  ...named('imei, imei number, imsi, meid, iccid, imei no', 'device-id', 'strong'),
  ...named(
    `
    license plate, licence plate, license plate number, licence plate number, number plate, plate number, registration plate,
    vin, vin number, vehicle identification number, vehicle vin, chassis number, kennzeichen, kfz kennzeichen, immatriculation,
    vehicle registration, vehicle registration number
  `,
    'vehicle-id',
    'strong',
  ),
  // Also what an order, a device or a row has: only what is as long as a person's number.
  ...named('id number, id no, idnumber, identity no', 'national-id', 'weak'),
  ...named(
    `
    drivers license, driver license, drivers license number, driver licence, driving licence,
    driving license, driver license number, license number, driver s license, driver s licence,
    driver s license number, driverslicense, driverlicense, führerschein, permis de conduire
  `,
    'driver-license',
    'strong',
  ),
  ...named(
    `
    date of birth, birth date, birthdate, dob, birthday, dateofbirth, born on, geburtsdatum,
    geburtstag, date de naissance, fecha de nacimiento, data di nascita, data de nascimento,
    geboortedatum, födelsedatum, fødselsdato, data urodzenia, дата рождения, 生年月日, 出生日期
  `,
    'date-of-birth',
    'strong',
  ),
  ...named(
    `
    card number, cardnumber, debit card, debit card number, bank card, bank card number, credit card number, credit card, creditcard, cc number, ccnum, pan
    number, primary account number, card no
  `,
    'payment-card',
    'strong',
  ),
  ...named('cc, card', 'payment-card', 'weak'),
  ...named(
    `
    iban, bank account, bank account number, account number, routing number, sort code,
    accountnumber, account no, acct no, acct number, acct num, bank routing number, aba, aba number,
    aba routing number, kontonummer, konto nr, clabe, cbu, bsb, rtn, routing transport number, bank routing,
    routing no, número de cuenta, numero de cuenta, rekeningnummer, numéro de compte, bban, código cuenta corriente,
    clave bancaria uniforme
  `,
    'bank-account',
    'strong',
  ),
  ...named(
    `
    phone, phone number, mobile number, telephone, cell phone, mobile phone, mobile no, phonenumber, fax, tel, msisdn,
    contact number, contact no, contact phone, telefon, telefonnummer, handynummer, telefono, teléfono, téléphone, telefoon, telefone,
    电话, 手机, 電話番号, телефон
  `,
    'phone',
    'strong',
  ),
  ...named(
    `
    street, street address, address line, address line 1, address line 2, home address, postal
    address, mailing address, street name, straße, strasse, anschrift, rue, calle
  `,
    'address',
    'strong',
  ),
  // Also what a host, a chain or memory has.
  ...named('mobile, cell, celular, cellulare, handy, mobil', 'phone', 'weak'),
  ...named('address, addr, adresse, direccion, dirección, indirizzo', 'address', 'weak'),
]);

/** Names that end like a secret's and are none: compared with a name's last two or three words. */
export const innocentEndings: ReadonlySet<string> = new Set(
  `
    page token, next token, continuation token, cursor token, progress token, sync token, max token,
    token key, public key, primary key, foreign key, partition key, sort key, row key, cache key,
    idempotency key, hash key, object key, unique key, composite key, map key, index key, issue key,
    project key, group key, range key, lookup key, dedupe key, dedup key, routing key, translation
    key, i18n key, hot key, shortcut key, stop token, eos token, pad token, bos token, start token,
    first token, last token, new token, per token, no auth, basic auth, required auth, key key,
    column key, item key, data key, config key, parent key, child key, metadata key, ssh public key,
    by pass, boarding pass, first pass, second pass, test pass, message key, storage class, method
    signature, function signature, type signature, resume token, query token, invalid token,
    unexpected token, host key, known key, answer key, display key, state key, react key, query key,
    gpg key, pgp key, release key, signing key id, gpg public key, kms key, ec2 key
  `
    .trim()
    .split(/,\s+/)
    .map((name) => name.replace(/\s+/g, ' ')),
);

/** Words that make a name speak of a secret wherever they stand in it. */
export const secretWords: ReadonlySet<string> = new Set(
  'secret secrets password passwd passphrase token apikey credential credentials auth'.split(' '),
);

/** Last words after which a name that speaks of a secret names something about it. */
export const aboutSecrets: ReadonlySet<string> = new Set(
  `
    id ids uuid name names file filename path dir url uri href link type kind length len size count limit max min ttl
    expiry expires expiration policy prompt field fields label hint regex pattern version endpoint usage enabled
    disabled required optional changed updated created at date time timestamp page status state format algorithm alg
    provider service manager store storage index ref reference arn role scope scopes header headers prefix suffix
    class test tests cache handler helper validator schema description title message error errors column table
    selector digest checksum sha commit user username email account domain host region mode method flow server
    issuer audience group groups module package lib library middleware context config callback listener event
    component container image tag build job workflow action script test spec md html js ts py go
  `
    .trim()
    .split(/\s+/),
);
