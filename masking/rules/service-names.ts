/**
 * Names of services that hand out keys without a form of their own. A random value beside such a name, or near it with
 * a word for a secret, is taken for that service's key. Names that are everyday words are left out.
 */
export const serviceNames: ReadonlySet<string> = new Set(
  `
    abuseipdb abyssale accuweather adafruitio adobe adobeio adyen adzuna aeroworkflow airbrake airtable
    airvisual aiven akamai alconost alegra aletheiaapi algolia alibaba alienvault alpaca amadeus ambee
    amplitude anthropic anypoint anyscale api2cart apideck apiflash apifonica apify apilayer apimatic
    apimetrics apitemplate appcues appfollow appointedd appoptics appsflyer appsynergy apptivo artifactory
    artsy asana assemblyai atera atlassian auth0 auth0management authy autodesk autoklose avalara avaza
    aviationstack axonaut aylien ayrshare azureapimanagement azurecontainerregistry azuredevops
    azuredirectmanagement azurefunction azureopenai azuresearch azuresearchquery azurestorage backblaze
    bamboohr bannerbear baremetrics beebole besnappy betterstack bigcommerce billomat binance bitbucket
    bitcoinaverage bitfinex bitly bitmex bitstamp bittrex blazemeter blitapp blockcypher blocknative blynk
    bombbomb boostnote borgbase braintree braintreepayments braintrust brandfetch brevo browserbase
    browserstack browshot bscscan buddyns budibase bugherd bugsnag buildkite bulksms bunnycdn buttercms
    bybit caflou calendarific calendly campayn cannyio capsulecrm captaindata carboninterface cashboard
    caspio censys centralstationcrm cerebras cexio chargebee chartmogul chatfule checio checklyhq checkvist
    circleci clarifai clearbit clickhelp clickhouse clicksendsms clickup cliengo clientary clinchpad
    clockify clockworksms cloudconvert cloudelements cloudflare cloudflareca cloudflareglobal cloudimage
    cloudinary cloudmersive cloudplan cloudsight cloudsmith cloverly cloze clustdoc cockroachdb codacy
    codeclimate codecov codemagic codequiry cohere coinapi coinbase coinlayer coinlib coinmarketcap collect2
    commercejs companyhub confluent contentful conversiontools convertapi convertkit couchbase countrylayer
    coveralls craftmypdf crates crowdin cryptocompare currencycloud currencyfreaks currencylayer
    currencyscoop currentsapi customerguru customerio d7network dareboost databox databricks datadog datagov
    deepai deepgram deepinfra deepl deepseek delighted detectify detectlanguage diffbot diggernaut
    digitalocean discord discordbot disqus dnscheck dockerhub docparser documo docusign doppler dotdigital
    dronahq dropbox duffel dwolla dynalist dynatrace dyspatch eagleeyenetworks easyinsight easypost
    ecostruxureit edamam edenai eightxeight elasticemail elasticsearch elevenlabs enablex endorlabs
    etherscan ethplorer eventbrite exchangerateapi exchangeratesapi expensify extractorapi facebook
    faceplusplus fastforex fastly fauna fetchrss fibery figma filestack finage financialmodelingprep
    finicity finnhub fivetran fixerio fleetbase flexport flickr flightapi flightlabs flightstats flowflu
    flutterwave flyio formbucket formcraft formsite foursquare freshbooks freshdesk freshworks frontegg
    fullstory fxmarket geckoboard geoapify geocode geocodify geocodio geoipifi getemail getemails getgeoapi
    getgist getresponse getsandbox gitbook gitbutler gitea github githubapp gitlab gitter glassnode gocanvas
    gocardless godaddy googlegemini gorgias grafana graphcms graphhopper groovehq groq gtmetrix guardianapi
    gumroad gyazo happyscribe hashicorpvaultauth hasura helicone hellosign helpcrunch helpscout hereapi
    heroku hetzner hiveage holidayapi honeybadger honeycomb hotjar html2pdf hubspot huggingface hypertrack
    ibmcloud iconfinder iexapis iexcloud imagekit imagga imgur influxdb infobip infura insightly instamojo
    intercom interseller intrinio invoiceocean ip2location ipapi ipgeolocation ipinfo ipinfodb ipquality
    ipstack jenkins jetbrains jfrog jira jotform jumpcloud jupiterone kanbantool karmacrm keenio keycloak
    kickbox klarna klaviyo klipfolio knapsackpro kontent kucoin kylas lambdalabs langchain langfuse
    langsmith languagelayer larksuite launchdarkly leadfeeder lemlist lemonsqueezy lendflow lessannoyingcrm
    lexigram linearapi linemessaging linenotify linkedin linkpreview liveagent liveblocks livekit livestorm
    loadmill locationiq logdna loggly loginradius logrocket logzio lokalise loyverse lucidchart lunchmoney
    luno madkudu magicbell mailboxlayer mailchimp mailerlite mailgun mailjet mailjetbasicauth mailjetsms
    mailmodo mailsac mailtrap mandrill mapbox mapquest marketstack mattermost mavenlink maxmind
    maxmindlicense meaningcloud mediastack meilisearch meistertask meraki mesibo messagebird metaapi
    metabase metrilo mindmeister miro mixpanel mockaroo mollie mongodb monkeylearn moonclerk moosend moralis
    mparticle mrticktock myfreshworks myintervals nasdaqdatalink neo4j nethunt netlify netsuite neutrinoapi
    newrelic newsapi newscatcher nexmo nftport ngrok nicereply nozbeteams npmtoken nuget numverify
    nutritionix nvapi nylas octopusdeploy okta omnisend onedesk onelogin onepagecrm onesignal onfleet
    oopspam openai opencage opencagedata openrouter openuv openvpn openweather opsgenie optimizely owlbot
    packagecloud pagarme pagerduty pandadoc pandascore paralleldots parsehub particle partnerstack pastebin
    paydirtapp paymoapp paymongo paypal paystack pdflayer pdfshift pendo peopledatalabs pepipost photoroom
    pinata pinecone pipedream pipedrive pivotaltracker pixabay plaid planetscale planetscaledb
    planviewleankit planyo plivo pocketbase podio pollsapi poloniex portainer positionstack postageapp
    posthog postman postmark powrbot prefect printful prodpad prospectcrm protocolsio proxycrawl pubnub
    pulumi purestake pushbullet pusher pusherchannel pypi qase qdrant qualaroo qualtrics qubole quickbooks
    rackspace railwayapp rapidapi razorpay reachmail reallysimplesystems rebrandly rechargepayments recurly
    redhatpyxis redislabs rentman repairshopr replicate replyio requestfinance restpack revampcrm
    ringcentral ritekit rocketreach rockset rollbar rownd rubygems runrunit saladcloud salesblink
    salescookie salesflare salesforce salesmate sanity satismeter satismeterwrite saucelabs scaleway
    scrapeowl scraperapi scraperbox scrapestack scrapfly scrapingant scrapingbee screenshotapi
    screenshotlayer scrutinizerci securitytrails segmentio selectpdf sendbird sendbirdorganizationapi
    sendgrid sendinblue sentry serphouse serpstack sherpadesk shipday shippo shodan shopify shotstack
    signalwire signaturit signupgenius sigopt simfin simplynoted simvoly sinch sinchmessage siteleaf
    skrappio skybiometry skyflow slack smartsheet smartsheets smartystreets smooch snipcart snowflake snyk
    sonarcloud sonarqube sourcegraph sourcegraphcody sparkpost speechtextai splunk splunkobservability
    spoonacular sportsmonk spotify squareapp squarespace squareup sslmate stackhawk statsig statuscake
    statuspal stitchdata stockdata storecove stormboard stormglass storyblok storychief strava stripe stripo
    stytch sumologic supabase supernotesapi surveyanyplace surveybot surveymonkey surveysparrow survicate
    swiftype tailscale tallyfy tatumio tavily taxjar teamgate teamworkcrm teamworkdesk teamworkspaces
    technicalanalysisapi tefter telegram telegrambot telnyx terraformcloud textmagic theoddsapi thingsboard
    thoughtspot thousandeyes ticketmaster tickettailor tiingo tiktok timecamp timezoneapi tmetric todoist
    toggl toggltrack tokeet tomorrowio tomtom tradier transferwise travelpayouts travisci trello truenas
    twelvedata twilio twitch twitter tyntec typeform typesense typetalk ubidots uclassify unifyid unsplash
    upcdatabase upcloud uplead uploadcare upstash uptimerobot urlscan userflow userstack vagrantcloud
    vatlayer vbout vercel verimail veriphone versioneye viewneo virustotal visualcrossing voiceflow
    voicegain vonage voodoosms vouchery vpnapi vultr walkscore wandb weatherbit weatherstack weaviate
    web3storage webex webexbot webflow weglot weightsandbiases wepay whoxy wistia workos worksnaps workstack
    worldcoinindex worldweather wrike yandex yelp youneedabudget yousign zapier zendesk zendeskapi zenkitapi
    zenrows zenscrape zenserp zeplin zerobounce zerotier zillow zipapi zipbooks zipcodeapi zipcodebase zoho
    zohocrm zonkafeedback zoominfo zulipchat zuora
  `
    .trim()
    .split(/\s+/),
);
