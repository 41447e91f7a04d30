/**
 * Names of services that hand out keys without a form of their own. A random value beside such a name, or near it with
 * a word for a secret, is taken for that service's key. Names that are everyday words are left out.
 */
export const serviceNames: ReadonlySet<string> = new Set(
  `
    ably abuseipdb abyssale accuweather adafruitio adobe adobeio adyen adzuna aeroworkflow ai21 airbrake
    airbyte airtable airvisual aiven akamai alconost alegra aletheiaapi algolia alibaba alienvault alpaca
    amadeus ambee amplitude anthropic anypoint anyscale api2cart apideck apiflash apifonica apify apilayer
    apimatic apimetrics apitemplate appcenter appcues appfollow appointedd appoptics appsflyer appsignal
    appsynergy apptivo appveyor argocd artifactory artsy asana assemblyai atera atlassian auth0
    auth0management authy autodesk autoklose avalara avaza aviationstack axonaut aylien ayrshare
    azureapimanagement azurecontainerregistry azuredevops azuredirectmanagement azurefunction azureopenai
    azuresearch azuresearchquery azurestorage backblaze baichuan bamboohr bannerbear baremetrics bazaarvoice
    beebole besnappy betterstack bigcommerce bigquery billomat binance bitbucket bitcoinaverage bitfinex bitly
    bitmex bitrise bitstamp bittrex blazemeter blitapp blockcypher blocknative blynk bombbomb boostnote
    borgbase braintree braintreepayments braintrust branchio brandfetch brevo browserbase browserstack
    browshot bscscan buddyns budibase bugherd bugsnag buildkite bulksms bunnycdn buttercms bybit caflou
    calendarific calendly campayn cannyio capsulecrm captaindata carboninterface cashboard caspio censys
    centralstationcrm cerebras cexio chargebee chartmogul chatfule checio checklyhq checkvist circleci
    clarifai clearbit clearml clickhelp clickhouse clicksendsms clickup cliengo clientary clinchpad clockify
    clockworksms cloudconvert cloudelements cloudflare cloudflareca cloudflareglobal cloudimage cloudinary
    cloudmersive cloudplan cloudsight cloudsmith cloverly cloze clustdoc cockroachdb codacy codeclimate
    codecov codefresh codemagic codequiry cohere coinapi coinbase coinlayer coinlib coinmarketcap collect2
    commercejs companyhub confluent contentful conversiontools convertapi convertkit couchbase countrylayer
    coveralls craftmypdf crates crowdin crowdstrike cryptocompare currencycloud currencyfreaks currencylayer
    currencyscoop currentsapi customerguru customerio d7network dareboost dashscope databox databricks datadog
    datagov datocms deepai deepgram deepinfra deepl deepseek delighted detectify detectlanguage diffbot
    diggernaut digitalocean discord discordbot disqus dnscheck dockerhub docparser documo docusign doppler
    dotdigital dronahq dropbox duffel dwolla dynalist dynatrace dyspatch eagleeyenetworks easyinsight easypost
    ecostruxureit edamam edenai eightxeight elasticcloud elasticemail elasticsearch elevenlabs enablex
    endorlabs etherscan ethplorer eventbrite exchangerateapi exchangeratesapi expensify extractorapi facebook
    faceplusplus fastforex fastly fauna fetchrss fibery figma filestack finage financialmodelingprep finicity
    finnhub fireworksai fivetran fixerio flagsmith fleetbase flexport flickr flightapi flightlabs flightstats
    flowflu flutterwave flyio forgerock formbucket formcraft formsite foursquare freshbooks freshdesk
    freshworks friendli frontegg fullstory fxmarket geckoboard geoapify geocode geocodify geocodio geoipifi
    getemail getemails getgeoapi getgist getresponse getsandbox gitbook gitbutler gitea github githubapp
    gitlab gitter glassnode gocanvas gocardless gocd godaddy googlegemini gorgias grafana graphcms graphhopper
    greptile groovehq groq growthbook gtmetrix guardianapi gumroad gyazo happyscribe hashicorp
    hashicorpvaultauth hasura helicone hellosign helpcrunch helpscout hereapi heroku hetzner hightouch hiveage
    hockeyapp holidayapi honeybadger honeycomb hotjar html2pdf hubspot huggingface hygraph hypertrack ibmcloud
    iconfinder iexapis iexcloud imagekit imagga imgix imgur influxdb infobip infracost infura insightly
    instamojo instana intercom interseller intrinio invoiceocean ip2location ipapi ipgeolocation ipinfo
    ipinfodb ipquality ipstack jenkins jetbrains jfrog jira jotform jumpcloud jupiterone kanbantool karmacrm
    keenio keycloak kibana kickbox klarna klaviyo klipfolio knapsackpro kolide kontent kucoin kylas labelbox
    lacework lambdalabs langchain langfuse langsmith languagelayer larksuite launchdarkly leadfeeder lemlist
    lemonsqueezy lendflow lessannoyingcrm lexigram lightstep linearapi linemessaging linenotify linkedin
    linkpreview liveagent liveblocks livekit livestorm loadmill locationiq logdna loggly loginradius logrocket
    logzio lokalise loyverse lucidchart lunchmoney luno madkudu magicbell mailboxlayer mailchimp mailerlite
    mailgun mailjet mailjetbasicauth mailjetsms mailmodo mailsac mailtrap mandrill mapbox mapquest marketstack
    matomo mattermost mavenlink maxmind maxmindlicense meaningcloud mediastack meilisearch meistertask meraki
    mesibo messagebird metaapi metabase metrilo mezmo milvus mindmeister minimax miro mistralai mixpanel
    mlflow mockaroo mollie mongodb monkeylearn moonclerk moosend moralis mparticle mrticktock myfreshworks
    myintervals nasdaqdatalink neo4j nethunt netlify netsuite neutrinoapi newrelic newsapi newscatcher nexmo
    nftport ngrok nicereply nozbeteams npmtoken nuget numverify nutritionix nvapi nylas octopusdeploy okta
    omnisend onedesk onelogin onepagecrm onesignal onfleet oopspam openai opencage opencagedata openrouter
    openuv openvpn openweather opsgenie optimizely owlbot packagecloud pagarme pagerduty pandadoc pandascore
    paralleldots parsehub particle partnerstack pastebin paydirtapp paymoapp paymongo paypal paystack pdflayer
    pdfshift pendo peopledatalabs pepipost perplexityai photoroom pinata pinecone pingidentity pipedream
    pipedrive pivotaltracker pixabay plaid planetscale planetscaledb planviewleankit planyo plivo pocketbase
    podio pollsapi poloniex portainer positionstack postageapp posthog postman postmark powerbi powrbot
    prefect printful prismic prodpad prospectcrm protocolsio proxycrawl pubnub pulumi purestake pushbullet
    pusher pusherchannel pypi qase qdrant qualaroo qualtrics qualys qubole quickbooks rackspace railwayapp
    rapid7 rapidapi raygun razorpay reachmail reallysimplesystems rebrandly rechargepayments recurly
    redhatpyxis redislabs rentman repairshopr replicate replyio requestfinance restpack retellai revampcrm
    ringcentral ritekit roboflow rocketreach rockset rollbar rownd rubygems runrunit runwayml saladcloud
    salesblink salescookie salesflare salesforce salesmate sanity satismeter satismeterwrite saucelabs scaleai
    scaleway scalr scrapeowl scraperapi scraperbox scrapestack scrapfly scrapingant scrapingbee screenshotapi
    screenshotlayer scrutinizerci securitytrails segmentio selectpdf sendbird sendbirdorganizationapi sendgrid
    sendinblue sentinelone sentry serphouse serpstack sherpadesk shipday shippo shodan shopify shotstack
    signalwire signaturit signupgenius sigopt siliconflow simfin simplynoted simvoly sinch sinchmessage
    sisense siteleaf skrappio skybiometry skyflow slack smartsheet smartsheets smartystreets smooch snipcart
    snowflake snyk softlayer sonarcloud sonarqube sourcegraph sourcegraphcody spacelift sparkpost speechtextai
    spinnaker splunk splunkobservability spoonacular sportsmonk spotify squareapp squarespace squareup sslmate
    stackhawk statsig statuscake statuspage statuspal stitchdata stockdata storecove stormboard stormglass
    storyblok storychief strava stripe stripo stytch sumologic supabase supernotesapi surveyanyplace surveybot
    surveymonkey surveysparrow survicate swiftype tailscale tallyfy tatumio tavily taxjar teamcity teamgate
    teamworkcrm teamworkdesk teamworkspaces technicalanalysisapi tefter telegram telegrambot telnyx tenable
    terraformcloud textmagic theoddsapi thingsboard thoughtspot thousandeyes ticketmaster tickettailor tiingo
    tiktok timecamp timescaledb timezoneapi tmetric todoist togetherai toggl toggltrack tokeet tomorrowio
    tomtom tradier transferwise travelpayouts travisci trello truenas twelvedata twilio twitch twitter tyntec
    typeform typesense typetalk ubidots uclassify unifyid unsplash upcdatabase upcloud uplead uploadcare
    upstash uptimerobot urlscan userflow userstack vagrantcloud vatlayer vbout vercel verimail veriphone
    versioneye viewneo virustotal visualcrossing voiceflow voicegain volcengine vonage voodoosms vouchery
    vpnapi vultr walkscore wandb weatherbit weatherstack weaviate web3storage webex webexbot webflow weglot
    weightsandbiases wepay whoxy wistia workos worksnaps workstack worldcoinindex worldweather wrike yandex
    yelp youneedabudget yousign yugabyte zapier zendesk zendeskapi zenkitapi zenrows zenscrape zenserp zeplin
    zerobounce zerotier zhipu zhipuai zilliz zillow zipapi zipbooks zipcodeapi zipcodebase zoho zohocrm
    zonkafeedback zoominfo zulipchat zuora
  `
    .trim()
    .split(/\s+/),
);
