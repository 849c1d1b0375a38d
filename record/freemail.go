package record

import "strings"

// FreeMail reports whether anybody can have an address in this domain, so that it tells
// nothing about the company behind it (R14). The domain is as [NormalDomain] has it, or
// that of an e-mail address.
func FreeMail(domain string) bool {
	domain = strings.ToLower(domain)
	first, rest, _ := strings.Cut(domain, ".")
	switch first {
	case "yahoo", "hotmail", "ymail", "rocketmail", "gmx":
		// One provider has the name in every country: yahoo.co.th, hotmail.gr.
		return len(rest) >= 2 && len(rest) <= 6
	case "live", "outlook":
		return rest == "com" || len(rest) == 2 || rest == "co.uk" || strings.HasPrefix(rest, "com.")
	}
	return worldFreeMail(domain) || europeFreeMail(domain) || asiaFreeMail(domain)
}

func worldFreeMail(domain string) bool {
	switch domain {
	case "gmail.com", "googlemail.com", "msn.com", "passport.com", "windowslive.com",
		"icloud.com", "me.com", "mac.com", "aol.com", "aim.com", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net",
		"comcast.net", "cox.net", "charter.net", "earthlink.net", "juno.com", "netzero.net", "optonline.net", "rogers.com",
		"sympatico.ca", "shaw.ca", "telus.net", "bigpond.com", "bigpond.net.au", "optusnet.com.au", "xtra.co.nz",
		"proton.me", "protonmail.com", "protonmail.ch", "pm.me", "tutanota.com", "tutanota.de", "tuta.io", "tuta.com", "keemail.me",
		"zoho.com", "zohomail.com", "zohomail.eu", "fastmail.com", "fastmail.fm", "hushmail.com", "mailfence.com", "hey.com",
		"mail.com", "email.com", "usa.com", "post.com", "consultant.com", "engineer.com", "europe.com", "inbox.com", "lycos.com",
		"excite.com", "gawab.com", "mailinator.com", "yopmail.com", "guerrillamail.com", "10minutemail.com", "duck.com",
		"simplelogin.com", "privaterelay.appleid.com", "relay.firefox.com", "runbox.com", "disroot.org", "riseup.net",
		"uol.com.br", "bol.com.br", "terra.com.br", "ig.com.br", "globo.com", "r7.com", "oi.com.br",
		"prodigy.net.mx", "fibertel.com.ar", "ciudad.com.ar", "speedy.com.ar", "arnet.com.ar",
		"webmail.co.za", "mweb.co.za", "telkomsa.net", "vodamail.co.za":
		return true
	default:
		return false
	}
}

func europeFreeMail(domain string) bool {
	switch domain {
	// Greece and Cyprus
	case "otenet.gr", "forthnet.gr", "hol.gr", "windowslive.gr", "freemail.gr", "in.gr", "mail.gr", "pathfinder.gr",
		"vivodinet.gr", "cosmotemail.gr", "wind.gr", "teledomenet.gr", "ath.forthnet.gr", "the.forthnet.gr", "cytanet.com.cy", "primehome.com",
		// Germany, Austria, Switzerland
		"web.de", "t-online.de", "freenet.de", "arcor.de", "1und1.de", "online.de", "posteo.de", "posteo.net", "mailbox.org",
		"kabelmail.de", "kabelbw.de", "unitybox.de", "vodafone.de", "vodafonemail.de", "o2online.de", "email.de", "mail.de",
		"netcologne.de", "ewetel.net", "ewe.net", "versanet.de", "alice-dsl.net", "alice.de", "hamburg.de", "t-online.at",
		"aon.at", "a1.net", "chello.at", "utanet.at", "inode.at", "liwest.at", "tele2.at",
		"bluewin.ch", "sunrise.ch", "hispeed.ch", "swissonline.ch", "green.ch",
		// Russia, Ukraine, Belarus and neighbours
		"mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru", "xmail.ru", "vk.com", "yandex.ru", "yandex.com", "ya.ru", "yandex.by", "yandex.kz",
		"yandex.ua", "narod.ru", "rambler.ru", "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru", "rambler.ua", "pochta.ru", "hotbox.ru",
		"qip.ru", "nm.ru", "land.ru", "sibmail.com", "e1.ru", "ngs.ru", "nextmail.ru", "ukr.net", "i.ua", "meta.ua", "bigmir.net", "tut.by", "mail.kz", "mail.by",
		// France, Belgium, Netherlands, Luxembourg
		"orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "neuf.fr", "laposte.net", "bbox.fr", "numericable.fr", "club-internet.fr",
		"aliceadsl.fr", "skynet.be", "telenet.be", "proximus.be", "voo.be", "scarlet.be", "ziggo.nl", "kpnmail.nl", "kpnplanet.nl",
		"planet.nl", "hetnet.nl", "home.nl", "xs4all.nl", "upcmail.nl", "casema.nl", "chello.nl", "quicknet.nl", "solcon.nl", "tele2.nl", "pt.lu",
		// Italy, Spain, Portugal
		"libero.it", "virgilio.it", "alice.it", "tin.it", "tiscali.it", "inwind.it", "iol.it", "blu.it", "fastwebnet.it", "email.it",
		"poste.it", "teletu.it", "vodafone.it", "pec.it", "legalmail.it", "telefonica.net", "terra.es", "ono.com", "wanadoo.es", "orange.es",
		"movistar.es", "euskaltel.net", "sapo.pt", "netcabo.pt", "iol.pt", "clix.pt", "mail.telepac.pt",
		// Great Britain and Ireland
		"btinternet.com", "btopenworld.com", "talktalk.net", "sky.com", "virginmedia.com", "virgin.net", "ntlworld.com", "blueyonder.co.uk",
		"tiscali.co.uk", "plus.net", "plusnet.com", "talk21.com", "orange.net", "eircom.net", "eir.ie", "iol.ie",
		// the North and the East
		"telia.com", "comhem.se", "bredband.net", "spray.se", "online.no", "broadpark.no", "getmail.no", "jubii.dk", "mail.dk", "stofanet.dk", "tdcadsl.dk",
		"kolumbus.fi", "elisanet.fi", "luukku.com", "saunalahti.fi", "suomi24.fi", "pp.inet.fi", "wp.pl", "o2.pl", "onet.pl", "onet.eu", "op.pl", "vp.pl",
		"interia.pl", "interia.eu", "poczta.fm", "gazeta.pl", "tlen.pl", "poczta.onet.pl", "seznam.cz", "email.cz", "centrum.cz", "volny.cz", "atlas.cz", "post.cz",
		"azet.sk", "centrum.sk", "zoznam.sk", "pobox.sk", "freemail.hu", "citromail.hu", "t-online.hu", "indamail.hu", "abv.bg", "mail.bg", "dir.bg", "gbg.bg",
		"inbox.lv", "inbox.lt", "mail.ee", "hot.ee", "online.ee", "siol.net", "net.hr", "inet.hr", "rcs-rds.ro", "clicknet.ro", "eunet.rs", "sbb.rs", "mynet.com", "ttmail.com", "superonline.com":
		return true
	default:
		return false
	}
}

func asiaFreeMail(domain string) bool {
	switch domain {
	// Thailand
	case "thaimail.com", "chaiyo.com", "sanook.com", "hunsa.com", "thailand.com", "truemail.co.th", "csloxinfo.com", "loxinfo.co.th",
		"ksc.th.com", "ji-net.com", "tot.co.th", "truecorp.co.th",
		// China, Taiwan, Hong Kong
		"qq.com", "vip.qq.com", "foxmail.com", "163.com", "vip.163.com", "126.com", "yeah.net", "188.com", "sina.com", "sina.cn", "vip.sina.com", "sohu.com",
		"tom.com", "21cn.com", "139.com", "189.cn", "wo.cn", "aliyun.com", "263.net", "hinet.net", "seed.net.tw", "pchome.com.tw", "netvigator.com",
		// Japan, Korea
		"docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp", "nifty.com", "biglobe.ne.jp", "ocn.ne.jp", "so-net.ne.jp", "excite.co.jp",
		"naver.com", "hanmail.net", "daum.net", "nate.com", "kakao.com", "korea.com", "dreamwiz.com",
		// India, South-East Asia
		"rediffmail.com", "rediff.com", "indiatimes.com", "sify.com", "in.com", "singnet.com.sg", "pacific.net.sg", "starhub.net.sg",
		"streamyx.com", "tm.net.my", "telkom.net", "plasa.com", "vnn.vn", "fpt.vn", "pldtdsl.net",
		// the Near East
		"walla.co.il", "walla.com", "netvision.net.il", "012.net.il", "bezeqint.net", "maktoob.com", "emirates.net.ae", "eim.ae", "link.net", "chmail.ir", "mail.ir":
		return true
	default:
		return false
	}
}
