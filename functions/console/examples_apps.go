package main

import "latchkey/shared/api"

// header is a header of a call.
type header struct{ name, value string }

// apps reports whether the key is meant for apps.
func (c caller) apps() bool { return c.key.Usage == api.Mobile || len(c.key.Apps) > 0 }

// appHeaders are those by which an app of the platform says who it is: the first of the key's own. "" takes any platform.
func (c caller) appHeaders(platform string) (list []header) {
	for _, app := range c.key.Apps {
		if platform != "" && app.Platform != platform {
			continue
		}
		for _, one := range []struct {
			name  string
			value *string
		}{{"X-Android-Package", app.Package}, {"X-Android-Cert", app.Sha1}, {"X-Ios-Bundle-Identifier", app.BundleId}} {
			if one.value != nil {
				list = append(list, header{one.name, *one.value})
			}
		}
		return list
	}
	return nil
}

// sent are the headers of a call of an app. The secret is among them: an address would stay in logs on the way.
func (c caller) sent(platform string) []header {
	list := append([]header{{"X-Api-Key", c.secret}}, c.appHeaders(platform)...)
	if c.origin != "" {
		list = append(list, header{"Origin", c.origin})
	}
	return list
}

func (c caller) kotlin(path string) string {
	code := "val connection = java.net.URL(\"" + c.base + path + "\").openConnection() as java.net.HttpURLConnection\n"
	for _, h := range c.sent("android") {
		code += "connection.setRequestProperty(\"" + h.name + "\", \"" + h.value + "\")\n"
	}
	code += "if (connection.responseCode != 200) error(connection.errorStream.bufferedReader().readText())\n"
	if isPicture(path) {
		return code + "val tile = android.graphics.BitmapFactory.decodeStream(connection.inputStream)"
	}
	return code + "println(connection.inputStream.bufferedReader().readText())"
}

func (c caller) swift(path string) string {
	code := "var request = URLRequest(url: URL(string: \"" + c.base + path + "\")!)\n"
	for _, h := range c.sent("ios") {
		code += "request.setValue(\"" + h.value + "\", forHTTPHeaderField: \"" + h.name + "\")\n"
	}
	code += "let (data, response) = try await URLSession.shared.data(for: request)\n"
	code += "guard (response as? HTTPURLResponse)?.statusCode == 200 else { fatalError(String(decoding: data, as: UTF8.self)) }\n"
	if isPicture(path) {
		return code + "let tile = UIImage(data: data)"
	}
	return code + "print(String(decoding: data, as: UTF8.self))"
}
